/* Stands in for what the system would tell a process whose every run must be the same: getrandom(2) gives the same bytes
   to every thread, and clock_gettime(2) goes on by 10 microseconds each time that somebody asks. The Rust standard
   library asks for both by name, so that they can be replaced like this. The order of its hash maps, the choices of
   Tokio's scheduler and the times that HTTP/2 takes by the system's clock follow from them. */
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

static _Thread_local unsigned long long bits;
static _Thread_local unsigned long long asked;

ssize_t getrandom(void *buffer, size_t length, unsigned int flags) {
    unsigned char *bytes = buffer;
    (void)flags;
    for (size_t i = 0; i < length; i++) {
        bits = bits * 6364136223846793005ULL + 1442695040888963407ULL;
        bytes[i] = (unsigned char)(bits >> 56);
    }
    return (ssize_t)length;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    unsigned long long steps = asked++;
    (void)clock;
    time->tv_sec = (time_t)(1767614400ULL + steps / 100000ULL);
    time->tv_nsec = (long)(steps % 100000ULL * 10000ULL);
    return 0;
}

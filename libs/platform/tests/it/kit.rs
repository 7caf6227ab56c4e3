use async_trait::async_trait;
use bellwether_clock::Env;
use bellwether_platform::{
    Driver,
    fake::Fake,
    kit::{self, Subject},
};
use bellwether_rollout::{Artifact, FleetSpec, InstanceId, TargetSpec};

struct Memory(Fake);

#[async_trait]
impl Subject for Memory {
    async fn driver(&self) -> Driver {
        self.0.clone().into()
    }

    async fn restarted(&self) -> Option<Driver> {
        Some(self.0.clone().into())
    }

    async fn kill(&self, target: &str, instance: InstanceId) -> bool {
        self.0.control().crash_instance(target, instance, 137);
        true
    }

    fn target(&self, name: &str, n: u32) -> TargetSpec {
        TargetSpec { name: name.into(), instances: n, platform: "fake".into(), ..TargetSpec::default() }
    }

    fn fleet(&self, version: &str) -> FleetSpec {
        let artifact = Artifact { name: "kit".into(), version: version.into(), ..Artifact::default() };
        FleetSpec { artifact, ..FleetSpec::default() }
    }
}

#[tokio::test]
async fn the_fake_conforms() {
    kit::run(&Memory(Fake::new(Env::system()))).await;
}

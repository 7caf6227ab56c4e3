//! The generated contracts, their JSON form and the descriptor set. No logic.

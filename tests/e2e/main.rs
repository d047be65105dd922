//! System tests: the real binary between real origins and sinks.

"""endcap."""

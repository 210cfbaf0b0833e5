"""skae side by side with what a user would pick instead; `python docs/benchmarks/peers -h`."""

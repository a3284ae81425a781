module maxcloud.dev/workload

go 1.24

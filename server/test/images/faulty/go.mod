module maxcloud.dev/faulty

go 1.24

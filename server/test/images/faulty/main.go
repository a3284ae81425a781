// A program that fails as it is told to: what is wrong with it stands in its arguments.
package main

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"
)

func main() {
	say := flag.String("say", "", "print this line on stderr first")
	after := flag.Duration("after", 0, "wait so long before anything else")
	exit := flag.Int("exit", -1, "end with this exit code")
	signal := flag.Int("signal", 0, "end by this signal")
	oom := flag.Int("oom", 0, "take so many MiB of memory")
	hang := flag.Bool("hang", false, "go on without listening")
	need := flag.String("need", "", "end with an error where this variable is missing")
	host := flag.String("host", "", "address to listen on")
	port := flag.String("port", os.Getenv("PORT"), "port to listen on")
	status := flag.Int("status", 200, "status of every answer")
	sickAfter := flag.Duration("sick-after", 0, "answer 500 so long after the start")
	exitAfter := flag.Duration("exit-after", 0, "end with an error so long after the start")
	expires := flag.Int64("expires", 0, "end with an error where it is later than this (Unix time)")
	flag.Parse()

	if *say != "" {
		fmt.Fprintln(os.Stderr, *say)
	}
	if *need != "" && os.Getenv(*need) == "" {
		fmt.Fprintf(os.Stderr, "Error: %s is not set\n", *need)
		os.Exit(1)
	}
	if *expires > 0 && time.Now().Unix() > *expires {
		fmt.Fprintln(os.Stderr, "Error: the licence has expired")
		os.Exit(1)
	}
	time.Sleep(*after)
	if *oom > 0 {
		blocks := [][]byte{}
		for range *oom {
			block := make([]byte, 1<<20)
			for i := range block {
				block[i] = 1
			}
			blocks = append(blocks, block)
		}
		fmt.Println("took", len(blocks), "MiB")
	}
	if *signal > 0 {
		_ = syscall.Kill(os.Getpid(), syscall.Signal(*signal))
		time.Sleep(time.Second)
	}
	if *exit >= 0 {
		os.Exit(*exit)
	}
	if *hang {
		time.Sleep(time.Hour)
	}
	if *exitAfter > 0 {
		time.AfterFunc(*exitAfter, func() {
			fmt.Fprintln(os.Stderr, "Error: lost the database")
			os.Exit(4)
		})
	}
	started := time.Now()
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		code := *status
		if *sickAfter > 0 && time.Since(started) > *sickAfter {
			code = 500
		}
		if r.URL.Path == "/exit" {
			wanted, _ := strconv.Atoi(r.URL.Query().Get("code"))
			fmt.Fprintln(os.Stderr, "told to exit")
			os.Exit(wanted)
		}
		w.WriteHeader(code)
		fmt.Fprintf(w, "%d %s\n", code, http.StatusText(code))
	})
	fmt.Fprintf(os.Stderr, "listening on %s:%s\n", *host, *port)
	fmt.Fprintln(os.Stderr, http.ListenAndServe(*host+":"+*port, nil))
	os.Exit(1)
}

// A program that fails on purpose. Its arguments select the fault.
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
	after := flag.Duration("after", 0, "wait this long first")
	exit := flag.Int("exit", -1, "exit with this code")
	signal := flag.Int("signal", 0, "kill itself with this signal")
	oom := flag.Int("oom", 0, "allocate this many MiB of memory")
	hang := flag.Bool("hang", false, "keep running without listening")
	need := flag.String("need", "", "exit with an error if this variable is missing")
	host := flag.String("host", "", "address to listen on")
	port := flag.String("port", os.Getenv("PORT"), "port to listen on")
	status := flag.Int("status", 200, "status of every response")
	sickAfter := flag.Duration("sick-after", 0, "respond with 500 this long after the start")
	exitAfter := flag.Duration("exit-after", 0, "exit with an error this long after the start")
	expires := flag.Int64("expires", 0, "exit with an error after this time (Unix seconds)")
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

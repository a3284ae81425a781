// Command lines writes numbered lines as "<run> <number> <padding>". Each start of the program is a new run.
// LINES: how many to write at the start; EVERY: the interval of further lines; LIFE: when to exit, with code 1. It serves HTTP on PORT,
// and writes the line "<run> end" when a signal stops it.
package main

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

func main() {
	id := make([]byte, 4)
	rand.Read(id)
	run := hex.EncodeToString(id)
	padding := strings.Repeat("x", number("BYTES"))
	out := bufio.NewWriterSize(os.Stdout, 64*1024)
	var lock sync.Mutex
	next := 0
	write := func(count int) {
		lock.Lock()
		defer lock.Unlock()
		for ; count > 0; count-- {
			fmt.Fprintf(out, "%s %d %s\n", run, next, padding)
			next++
		}
		out.Flush()
	}
	write(number("LINES"))
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		count, _ := strconv.Atoi(r.FormValue("count"))
		write(count)
		fmt.Fprintln(w, run)
	})
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	go http.ListenAndServe(":"+port, nil)
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	var life <-chan time.Time
	if text := os.Getenv("LIFE"); text != "" {
		life = time.After(duration(text))
	}
	every := duration(os.Getenv("EVERY"))
	if every == 0 {
		every = time.Hour
	}
	tick := time.Tick(every)
	for {
		select {
		case <-tick:
			write(1)
		case <-life:
			os.Exit(1)
		case <-told:
			lock.Lock()
			fmt.Fprintf(out, "%s end\n", run)
			out.Flush()
			os.Exit(0)
		}
	}
}

func number(name string) int {
	value, _ := strconv.Atoi(os.Getenv(name))
	return value
}

func duration(text string) time.Duration {
	value, _ := time.ParseDuration(text)
	return value
}

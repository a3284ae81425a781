// A service that shows how its platform runs it. It listens on PORT, and responds with VERSION and its instance.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

func number(r *http.Request, name string) int {
	value, _ := strconv.Atoi(r.URL.Query().Get(name))
	return value
}

func main() {
	if until, err := strconv.ParseInt(os.Getenv("FAIL_UNTIL"), 10, 64); err == nil && time.Now().Unix() < until {
		fmt.Fprintln(os.Stderr, "cannot start yet")
		os.Exit(7)
	}
	if os.Getenv("FAIL") != "" {
		fmt.Fprintln(os.Stderr, "cannot start:", os.Getenv("FAIL"))
		os.Exit(7)
	}
	// Runs beside the service by `exec`, and tests input and output.
	if len(os.Args) > 1 && os.Args[1] == "exec" {
		fmt.Println(os.Getenv("TOKEN"))
		fmt.Fprintln(os.Stderr, "on stderr")
		_, _ = io.Copy(os.Stdout, os.Stdin)
		os.Exit(7)
	}
	instance := strconv.FormatUint(rand.Uint64(), 36)
	fmt.Println("started", os.Getenv("VERSION"))

	// /?ms=N responds after this many milliseconds.
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Duration(number(r, "ms")) * time.Millisecond)
		fmt.Fprintf(w, "%s %s", os.Getenv("VERSION"), instance)
	})
	http.HandleFunc("/env", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, os.Getenv(r.URL.Query().Get("name")))
	})
	http.HandleFunc("/lines", func(w http.ResponseWriter, r *http.Request) {
		for n := number(r, "from"); n <= number(r, "to"); n++ {
			fmt.Println("line", n)
		}
	})
	// /bytes?mb=N responds with this many MiB, each of its own letter.
	http.HandleFunc("/bytes", func(w http.ResponseWriter, r *http.Request) {
		for n := 0; n < number(r, "mb"); n++ {
			_, _ = w.Write(bytes.Repeat([]byte{byte('a' + n%26)}, 1<<20))
		}
	})
	http.HandleFunc("/exit", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(os.Stderr, "told to exit")
		// Exit after the response: a request without a response is retried, and would stop the next instance too.
		time.AfterFunc(100*time.Millisecond, func() { os.Exit(number(r, "code")) })
	})
	// Calls the service at the URL in TARGET, and returns its response.
	http.HandleFunc("/call", func(w http.ResponseWriter, r *http.Request) {
		client := http.Client{Timeout: 20 * time.Second}
		answer, err := client.Get(os.Getenv("TARGET"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer answer.Body.Close()
		w.WriteHeader(answer.StatusCode)
		_, _ = io.Copy(w, answer.Body)
	})
	http.HandleFunc("/kernel", func(w http.ResponseWriter, r *http.Request) {
		var name syscall.Utsname
		_ = syscall.Uname(&name)
		for _, letter := range name.Release {
			if letter == 0 {
				break
			}
			fmt.Fprintf(w, "%c", letter)
		}
	})

	server := http.Server{Addr: ":" + os.Getenv("PORT")}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		<-stop
		if os.Getenv("STUBBORN") != "" {
			fmt.Println("ignores SIGTERM")
			return
		}
		_ = server.Shutdown(context.Background())
		os.Exit(0)
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	select {}
}

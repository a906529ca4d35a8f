// Sends TransactWriteItems of ten items each from concurrent clients over a small set of items, so that most of them
// conflict, and checks everything that the clients saw, with all of their answers kept: history.go.
//
// The items are accounts in two tables. A transaction moves money between some and looks at others (ConditionCheck), each
// on the condition that the item has the version that was last heard of; so what it changes, and whether it may, is
// known exactly. One that is cancelled tells which versions there were. In between come TransactGetItems of ten and of all
// accounts, whose sum never changes, and transactions that are sent again with their token, which must not happen again.
//
// Address and keys come from AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Prints counts as one
// line of JSON; exits with 1 where anything is wrong, with 2 where the run could not be made.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const startBalance = 1000

type summary struct {
	Seed       int64    `json:"seed"`
	Committed  int      `json:"committed"`
	Refused    int      `json:"refused"`
	Conflicts  int      `json:"conflicts"`
	Reads      int      `json:"reads"`
	Replays    int64    `json:"replays"`
	Mismatches int64    `json:"mismatches"`
	Seconds    float64  `json:"seconds"`
	Checking   float64  `json:"checking_seconds"`
	Wrong      []string `json:"wrong"`
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(2)
}

func main() {
	transactions := flag.Int64("transactions", 5000, "how many TransactWriteItems")
	clients := flag.Int("clients", 12, "how many at the same time")
	items := flag.Int("items", 100, "how many accounts, at most 100")
	seed := flag.Int64("seed", 0, "of the random choices; 0: of the time")
	flag.Parse()
	if *seed == 0 {
		*seed = time.Now().UnixNano() % 1_000_000_000
	}
	bank := newBank(*items, *seed)
	if err := bank.open(context.Background()); err != nil {
		fail(err)
	}

	var left, replays, mismatches atomic.Int64
	left.Store(*transactions)
	go report(&left)
	all := make([]*client, *clients)
	var running sync.WaitGroup
	begin := time.Now()
	for n := range all {
		all[n] = newClient(bank, n, *seed)
		running.Add(1)
		go func(c *client) {
			defer running.Done()
			for left.Add(-1) >= 0 {
				if err := c.step(context.Background()); err != nil {
					fail(err)
				}
			}
		}(all[n])
	}
	running.Wait()
	done := summary{Seed: *seed, Seconds: time.Since(begin).Seconds()}

	final, err := bank.final(context.Background())
	if err != nil {
		fail(err)
	}
	begin = time.Now()
	var history []request
	for _, c := range all {
		history = append(history, c.history...)
		done.Wrong = append(done.Wrong, c.wrong...)
		replays.Add(c.replays)
		mismatches.Add(c.mismatches)
	}
	done.Replays, done.Mismatches = replays.Load(), mismatches.Load()
	counts := [4]int{}
	for _, one := range history {
		counts[one.outcome]++
	}
	done.Committed, done.Refused, done.Conflicts, done.Reads = counts[committed], counts[refused], counts[conflict], counts[read]
	done.Wrong = append(done.Wrong, check(*items, startBalance, history, final)...)
	done.Checking = time.Since(begin).Seconds()
	if err := json.NewEncoder(os.Stdout).Encode(done); err != nil {
		fail(err)
	}
	if len(done.Wrong) > 0 {
		os.Exit(1)
	}
}

func report(left *atomic.Int64) {
	for {
		time.Sleep(10 * time.Second)
		fmt.Fprintf(os.Stderr, "%d transactions to go\n", left.Load())
	}
}

// Checks a history of operations on items for linearizability, item by item, with Porcupine.
//
// Reads JSON lines on standard input: {"item":"a","client":1,"kind":"put","expected":-1,"value":7,"call":1,"return":2,
// "outcome":"ok"}. Kinds: "put" (unconditional), "swap" (to value where expected is there; -1: where nothing is), "get"
// (value: what was read, -1 for nothing), "delete". Outcomes: "ok", "refused" (a swap whose condition failed) and
// "unknown" (no answer: it may have happened, at any time from its call on). Exits with 1 where no order of the operations
// explains what the clients saw.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"time"

	"github.com/anishathalye/porcupine"
)

type operation struct {
	Item     string `json:"item"`
	Client   int    `json:"client"`
	Kind     string `json:"kind"`
	Expected int64  `json:"expected"`
	Value    int64  `json:"value"`
	Call     int64  `json:"call"`
	Return   int64  `json:"return"`
	Outcome  string `json:"outcome"`
}

// The state of an item is its value, -1 where there is none.
func step(state, input, _ interface{}) (bool, interface{}) {
	now, op := state.(int64), input.(operation)
	switch op.Kind {
	case "get":
		return op.Outcome == "unknown" || op.Value == now, now
	case "put":
		return true, op.Value
	case "delete":
		return true, int64(-1)
	case "swap":
		matches := now == op.Expected
		if op.Outcome == "unknown" {
			if matches {
				return true, op.Value
			}
			return true, now
		}
		if matches != (op.Outcome == "ok") {
			return false, now
		}
		if matches {
			return true, op.Value
		}
		return true, now
	}
	return false, now
}

func main() {
	items := map[string][]porcupine.Operation{}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var op operation
		if err := json.Unmarshal(lines.Bytes(), &op); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		end := op.Return
		if op.Outcome == "unknown" {
			end = math.MaxInt64
		}
		items[op.Item] = append(items[op.Item], porcupine.Operation{
			ClientId: op.Client, Input: op, Call: op.Call, Output: nil, Return: end})
	}
	model := porcupine.Model{Init: func() interface{} { return int64(-1) }, Step: step}
	for item, history := range items {
		result := porcupine.CheckOperationsTimeout(model, history, 60*time.Second)
		fmt.Printf("%s: %d operations: %s\n", item, len(history), result)
		if result != porcupine.Ok {
			os.Exit(1)
		}
	}
}

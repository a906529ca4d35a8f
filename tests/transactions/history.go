package main

import (
	"fmt"
	"sort"
)

// What happened to one request, as its client saw it.
type outcome uint8

const (
	committed outcome = iota
	refused           // cancelled by conditions: it saw every item of its own and changed none
	conflict          // cancelled because another one was in progress
	read              // TransactGetItems
)

// What a request saw of one item, and did to it. Versions count the changes of an item from 0.
type access struct {
	item       uint32
	version    uint32
	balance    int64
	hasBalance bool // the balance was seen too
	writes     bool // committed: the item has version+1 and balance+delta from then on
	delta      int64
}

type request struct {
	client         int
	called, ended  int64 // of one clock
	outcome        outcome
	accesses       []access
	conflictingFor []uint32 // items for which a conflict was said
}

// An item as it is at the end.
type state struct {
	version uint32
	balance int64
}

// check says what in the history no correct database could have done; nothing where it is strictly serializable: there is
// one order of all requests, in which none comes before one that had ended when it was called, such that each saw exactly
// what those before it left. Every version of an item names the one request that made it, so the order that the requests
// depend on is known, and only has to be free of cycles.
func check(items int, balance int64, history []request, final []state) []string {
	c := checker{history: history, makers: make([][]int32, items), balances: make([][]int64, items)}
	c.findMakers(balance)
	c.checkEnd(final)
	c.checkReads()
	c.checkConflicts()
	if len(c.wrong) == 0 {
		c.checkOrder()
	}
	return c.wrong
}

const nobody = -1

type checker struct {
	history  []request
	makers   [][]int32 // by item and version: the request that made it
	balances [][]int64
	wrong    []string
}

func (c *checker) complain(format string, values ...interface{}) {
	if len(c.wrong) < 20 {
		c.wrong = append(c.wrong, fmt.Sprintf(format, values...))
	}
}

// Each version of each item is made once, and none is left out.
func (c *checker) findMakers(balance int64) {
	deltas := make([][]int64, len(c.makers))
	for item := range c.makers {
		c.makers[item], deltas[item] = []int32{nobody}, []int64{balance}
	}
	for number, one := range c.history {
		if one.outcome != committed {
			continue
		}
		for _, a := range one.accesses {
			if !a.writes {
				continue
			}
			for uint32(len(c.makers[a.item])) <= a.version+1 {
				c.makers[a.item] = append(c.makers[a.item], nobody)
				deltas[a.item] = append(deltas[a.item], 0)
			}
			if before := c.makers[a.item][a.version+1]; before != nobody {
				c.complain("requests %d and %d both made version %d of item %d", before, number, a.version+1, a.item)
			}
			c.makers[a.item][a.version+1], deltas[a.item][a.version+1] = int32(number), a.delta
		}
	}
	for item, makers := range c.makers {
		sum := int64(0)
		for version := range makers {
			if version > 0 && makers[version] == nobody {
				c.complain("nobody made version %d of item %d", version, item)
			}
			sum += deltas[item][version]
			c.balances[item] = append(c.balances[item], sum)
		}
	}
}

// What was acknowledged is there, and nothing else.
func (c *checker) checkEnd(final []state) {
	for item, is := range final {
		last := len(c.makers[item]) - 1
		if is.version != uint32(last) || is.balance != c.balances[item][last] {
			c.complain("item %d ends as %+v, not with version %d and balance %d", item, is, last, c.balances[item][last])
		}
	}
}

func (c *checker) checkReads() {
	for number, one := range c.history {
		for _, a := range one.accesses {
			if one.outcome == conflict {
				continue
			}
			if a.version >= uint32(len(c.makers[a.item])) {
				c.complain("request %d saw version %d of item %d, which nobody made", number, a.version, a.item)
			} else if a.hasBalance && a.balance != c.balances[a.item][a.version] {
				c.complain("request %d saw balance %d in version %d of item %d, not %d", number, a.balance, a.version, a.item,
					c.balances[a.item][a.version])
			}
		}
	}
}

// A conflict needs another request that was in progress and had the item too.
func (c *checker) checkConflicts() {
	for number, one := range c.history {
		for _, item := range one.conflictingFor {
			if !c.hasRival(number, item) {
				c.complain("request %d was told of a conflict for item %d, and there was none", number, item)
			}
		}
	}
}

func (c *checker) hasRival(number int, item uint32) bool {
	one := c.history[number]
	for other, rival := range c.history {
		if other == number || rival.ended < one.called || rival.called > one.ended {
			continue
		}
		for _, a := range rival.accesses {
			if a.item == item {
				return true
			}
		}
	}
	return false
}

// The order of all requests is free of cycles: who made a version, then who saw it, then who made the next one; and who
// ended before another was called comes before that one. Time is a chain of nodes behind those of the requests: who ended
// points at the next moment, and each moment at who is called there.
func (c *checker) checkOrder() {
	var edges edgeList
	for number, one := range c.history {
		if one.outcome == conflict {
			continue
		}
		for _, a := range one.accesses {
			if maker := c.makers[a.item][a.version]; maker != nobody {
				edges.add(maker, int32(number))
			}
			if next := a.version + 1; next < uint32(len(c.makers[a.item])) && c.makers[a.item][next] != int32(number) {
				edges.add(int32(number), c.makers[a.item][next])
			}
		}
	}
	nodes := c.addTime(&edges)
	if left := unordered(nodes, edges); len(left) > 0 {
		for _, number := range left {
			if int(number) < len(c.history) {
				c.complain("no order explains request %d among %d others: %+v", number, len(left), c.history[number])
			}
		}
	}
}

func (c *checker) addTime(edges *edgeList) int {
	type event struct {
		at     int64
		ends   bool
		number int32
	}
	events := make([]event, 0, 2*len(c.history))
	for number, one := range c.history {
		if one.outcome != conflict {
			events = append(events, event{one.called, false, int32(number)}, event{one.ended, true, int32(number)})
		}
	}
	// Of the same moment: the call first, so that the two count as concurrent.
	sort.Slice(events, func(a, b int) bool {
		if events[a].at != events[b].at {
			return events[a].at < events[b].at
		}
		return !events[a].ends && events[b].ends
	})
	moment := int32(len(c.history))
	for _, e := range events {
		if e.ends {
			edges.add(moment, moment+1)
			moment++
			edges.add(e.number, moment)
		} else {
			edges.add(moment, e.number)
		}
	}
	return int(moment) + 1
}

type edgeList struct{ from, to []int32 }

func (e *edgeList) add(from, to int32) {
	e.from, e.to = append(e.from, from), append(e.to, to)
}

// The nodes that are in a cycle, or behind one.
func unordered(nodes int, edges edgeList) []int32 {
	start := make([]int32, nodes+1)
	waits := make([]int32, nodes)
	for n := range edges.from {
		start[edges.from[n]+1]++
		waits[edges.to[n]]++
	}
	for n := 0; n < nodes; n++ {
		start[n+1] += start[n]
	}
	next := append([]int32(nil), start[:nodes]...)
	sorted := make([]int32, len(edges.to))
	for n, from := range edges.from {
		sorted[next[from]] = edges.to[n]
		next[from]++
	}
	ready := make([]int32, 0, nodes)
	for n := range waits {
		if waits[n] == 0 {
			ready = append(ready, int32(n))
		}
	}
	for done := 0; done < len(ready); done++ {
		node := ready[done]
		for _, to := range sorted[start[node]:start[node+1]] {
			if waits[to]--; waits[to] == 0 {
				ready = append(ready, to)
			}
		}
	}
	var left []int32
	for n := range waits {
		if waits[n] > 0 {
			left = append(left, int32(n))
		}
	}
	return left
}

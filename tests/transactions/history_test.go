package main

import (
	"strings"
	"testing"
)

func sees(item, version uint32) access { return access{item: item, version: version} }

func writes(item, version uint32, delta int64) access {
	return access{item: item, version: version, writes: true, delta: delta}
}

func at(called, ended int64, what outcome, accesses ...access) request {
	return request{called: called, ended: ended, outcome: what, accesses: accesses}
}

func TestCheck(t *testing.T) {
	start := []state{{0, 10}, {0, 10}}
	moved := []state{{1, 7}, {1, 13}}
	transfer := at(1, 9, committed, writes(0, 0, -3), writes(1, 0, 3))
	withConflict := at(8, 12, conflict, sees(0, 0))
	withConflict.conflictingFor = []uint32{0}
	lateConflict := withConflict
	lateConflict.called = 10
	for name, one := range map[string]struct {
		history []request
		final   []state
		wrong   string
	}{
		"nothing":                 {nil, start, ""},
		"a transfer":              {[]request{transfer}, moved, ""},
		"a read before it":        {[]request{transfer, at(2, 3, read, sees(0, 0), sees(1, 0))}, moved, ""},
		"a read behind it":        {[]request{transfer, at(2, 3, read, sees(0, 1), sees(1, 1))}, moved, ""},
		"a refusal behind it":     {[]request{transfer, at(2, 3, refused, sees(0, 1), sees(1, 1))}, moved, ""},
		"a conflict with it":      {[]request{transfer, withConflict}, moved, ""},
		"an acknowledged loss":    {[]request{transfer}, []state{{1, 7}, {0, 10}}, "item 1 ends as"},
		"an effect without cause": {[]request{at(1, 9, refused, sees(0, 0))}, moved, "item 0 ends as"},
		"a wrong balance":         {[]request{transfer}, []state{{1, 7}, {1, 12}}, "item 1 ends as"},
		"a wrong balance read": {[]request{transfer, at(2, 3, read, access{item: 0, version: 1, balance: 8, hasBalance: true})},
			moved, "saw balance 8"},
		"a lost update":            {[]request{transfer, at(2, 3, committed, writes(0, 0, 1))}, moved, "both made version 1"},
		"a version from nowhere":   {[]request{at(2, 3, committed, writes(0, 1, 1))}, []state{{2, 11}, {0, 10}}, "nobody made"},
		"a read of a future":       {[]request{at(2, 3, read, sees(0, 1))}, start, "which nobody made"},
		"half a transfer read":     {[]request{transfer, at(2, 3, read, sees(0, 1), sees(1, 0))}, moved, "no order explains"},
		"half a transfer refused":  {[]request{transfer, at(2, 3, refused, sees(0, 1), sees(1, 0))}, moved, "no order explains"},
		"a stale read":             {[]request{transfer, at(10, 11, read, sees(0, 0))}, moved, "no order explains"},
		"a stale refusal":          {[]request{transfer, at(10, 11, refused, sees(0, 0))}, moved, "no order explains"},
		"a conflict with nobody":   {[]request{transfer, lateConflict}, moved, "there was none"},
		"a write of what was seen": {[]request{transfer, at(10, 11, committed, sees(1, 1), writes(0, 1, 0))}, []state{{2, 7}, {1, 13}}, ""},
		"write skew": {[]request{at(1, 9, committed, sees(1, 0), writes(0, 0, 1)), at(1, 9, committed, sees(0, 0), writes(1, 0, 1))},
			[]state{{1, 11}, {1, 11}}, "no order explains"},
		"two reads that disagree": {[]request{at(1, 9, committed, writes(0, 0, 0)), at(1, 9, committed, writes(1, 0, 0)),
			at(1, 9, read, sees(0, 0), sees(1, 1)), at(1, 9, read, sees(0, 1), sees(1, 0))}, []state{{1, 10}, {1, 10}}, "no order"},
	} {
		wrong := strings.Join(check(2, 10, one.history, one.final), "\n")
		if (one.wrong == "") != (wrong == "") || !strings.Contains(wrong, one.wrong) {
			t.Errorf("%s: %q, not %q", name, wrong, one.wrong)
		}
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const (
	inTransaction = 10
	oneInReads    = 8   // transactions between two transactional reads
	oneInSums     = 64  // between two of all accounts
	oneInReplays  = 20  // committed ones of which one is sent again
	oneInMisuses  = 200 // committed ones whose token is sent with another transaction
)

var beginning = time.Now()

func now() int64 { return int64(time.Since(beginning)) }

// One client: its transactions follow each other.
type client struct {
	bank       *bank
	name       int
	seed       int64
	rng        *rand.Rand
	count      int
	history    []request
	wrong      []string
	replays    int64
	mismatches int64
}

func newClient(b *bank, name int, seed int64) *client {
	return &client{bank: b, name: name, seed: seed, rng: rand.New(rand.NewSource(seed*1000 + int64(name)))}
}

func (c *client) complain(format string, values ...interface{}) {
	if len(c.wrong) < 20 {
		c.wrong = append(c.wrong, fmt.Sprintf(format, values...))
	}
}

// One transaction, and now and then a read.
func (c *client) step(ctx context.Context) error {
	c.count++
	if err := c.write(ctx); err != nil {
		return err
	}
	if c.count%oneInSums == 0 {
		return c.read(ctx, len(c.bank.ids))
	}
	if c.count%oneInReads == 0 {
		return c.read(ctx, inTransaction)
	}
	return nil
}

func (c *client) choose(count int) []uint32 {
	chosen := make([]uint32, count)
	for n, item := range c.rng.Perm(len(c.bank.ids))[:count] {
		chosen[n] = uint32(item)
	}
	return chosen
}

// A transfer between some accounts, whose deltas have the sum 0, that looks at the others.
func (c *client) plan() []access {
	plan := make([]access, inTransaction)
	looks := c.rng.Intn(4)
	sum, last := int64(0), 0
	for n, item := range c.choose(inTransaction) {
		known := c.bank.known(item)
		plan[n] = access{item: item, version: known.version, balance: known.balance, writes: n >= looks}
		if plan[n].writes {
			plan[n].delta = int64(c.rng.Intn(21) - 10)
			sum, last = sum+plan[n].delta, n
		}
	}
	plan[last].delta -= sum
	c.rng.Shuffle(len(plan), func(a, b int) { plan[a], plan[b] = plan[b], plan[a] })
	return plan
}

func (c *client) action(a access, maker string) types.TransactWriteItem {
	table, key := c.bank.table(a.item), c.bank.key(a.item)
	names := map[string]string{"#v": "version"}
	values := row{":v": number(int64(a.version))}
	condition := aws.String("#v = :v")
	old := types.ReturnValuesOnConditionCheckFailureAllOld
	if !a.writes {
		return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{TableName: table, Key: key, ConditionExpression: condition,
			ExpressionAttributeNames: names, ExpressionAttributeValues: values, ReturnValuesOnConditionCheckFailure: old}}
	}
	if c.rng.Intn(3) == 0 {
		next := state{a.version + 1, a.balance + a.delta}
		return types.TransactWriteItem{Put: &types.Put{TableName: table, Item: c.bank.row(a.item, next, maker),
			ConditionExpression: condition, ExpressionAttributeNames: names, ExpressionAttributeValues: values,
			ReturnValuesOnConditionCheckFailure: old}}
	}
	values[":d"], values[":one"] = number(a.delta), number(1)
	values[":m"] = &types.AttributeValueMemberS{Value: maker}
	return types.TransactWriteItem{Update: &types.Update{TableName: table, Key: key, ConditionExpression: condition,
		UpdateExpression:         aws.String("SET balance = balance + :d, #v = #v + :one, maker = :m"),
		ExpressionAttributeNames: names, ExpressionAttributeValues: values, ReturnValuesOnConditionCheckFailure: old}}
}

func (c *client) write(ctx context.Context) error {
	plan := c.plan()
	name := fmt.Sprintf("%d-%d-%d", c.seed, c.name, c.count)
	input := dynamodb.TransactWriteItemsInput{ClientRequestToken: &name}
	for _, a := range plan {
		input.TransactItems = append(input.TransactItems, c.action(a, name))
	}
	one := request{client: c.name, called: now(), accesses: plan}
	_, err := c.bank.db.TransactWriteItems(ctx, &input)
	one.ended = now()

	var cancelled *types.TransactionCanceledException
	if errors.As(err, &cancelled) {
		err = c.note(&one, cancelled.CancellationReasons)
	} else if err == nil {
		for _, a := range plan {
			if a.writes {
				c.bank.hear(a.item, state{a.version + 1, a.balance + a.delta})
			}
		}
	}
	if err != nil {
		return fmt.Errorf("transaction %s: %w", name, err)
	}
	c.history = append(c.history, one)
	if one.outcome == committed {
		return c.sendAgain(ctx, &input)
	}
	return nil
}

// What a cancelled transaction was told of each of its items, in their order.
func (c *client) note(one *request, reasons []types.CancellationReason) error {
	if len(reasons) != len(one.accesses) {
		return fmt.Errorf("%d reasons for %d actions", len(reasons), len(one.accesses))
	}
	failed := 0
	for n, reason := range reasons {
		a := &one.accesses[n]
		a.writes, a.delta = false, 0
		switch code := aws.ToString(reason.Code); code {
		case "None":
		case "ConditionalCheckFailed":
			failed++
			is, err := stateOf(reason.Item)
			if err != nil {
				return err
			}
			if is.version == a.version {
				c.complain("client %d: item %d had version %d as it should, and the condition failed", c.name, a.item, a.version)
			}
			a.version, a.balance, a.hasBalance = is.version, is.balance, true
			c.bank.hear(a.item, is)
		case "TransactionConflict":
			one.conflictingFor = append(one.conflictingFor, a.item)
		default:
			return fmt.Errorf("reason %s: %s", code, aws.ToString(reason.Message))
		}
	}
	one.outcome = refused
	if len(one.conflictingFor) > 0 {
		one.outcome = conflict
	} else if failed == 0 {
		c.complain("client %d: cancelled without a reason", c.name)
	}
	return nil
}

// The same token: acknowledged without a second effect, and refused for anything else.
func (c *client) sendAgain(ctx context.Context, input *dynamodb.TransactWriteItemsInput) error {
	if c.rng.Intn(oneInReplays) == 0 {
		c.replays++
		if _, err := c.bank.db.TransactWriteItems(ctx, input); err != nil {
			return fmt.Errorf("sent again with its token: %w", err)
		}
	}
	if c.rng.Intn(oneInMisuses) == 0 {
		c.mismatches++
		input.TransactItems = input.TransactItems[1:]
		_, err := c.bank.db.TransactWriteItems(ctx, input)
		var mismatch *types.IdempotentParameterMismatchException
		if !errors.As(err, &mismatch) {
			c.complain("client %d: another transaction under the same token gives %v", c.name, err)
		}
	}
	return nil
}

// A transactional read; one of all accounts finds all the money.
func (c *client) read(ctx context.Context, count int) error {
	chosen := c.choose(count)
	var input dynamodb.TransactGetItemsInput
	for _, item := range chosen {
		input.TransactItems = append(input.TransactItems,
			types.TransactGetItem{Get: &types.Get{TableName: c.bank.table(item), Key: c.bank.key(item)}})
	}
	one := request{client: c.name, called: now(), outcome: read}
	got, err := c.bank.db.TransactGetItems(ctx, &input)
	one.ended = now()
	if err != nil {
		return fmt.Errorf("a read: %w", err)
	}
	sum := int64(0)
	for n, item := range chosen {
		is, err := stateOf(got.Responses[n].Item)
		if err != nil {
			return err
		}
		c.bank.hear(item, is)
		one.accesses = append(one.accesses, access{item: item, version: is.version, balance: is.balance, hasBalance: true})
		sum += is.balance
	}
	if wanted := int64(len(chosen)) * startBalance; count == len(c.bank.ids) && sum != wanted {
		c.complain("client %d: all accounts have %d, not %d", c.name, sum, wanted)
	}
	c.history = append(c.history, one)
	return nil
}

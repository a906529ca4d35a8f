package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

type (
	value = types.AttributeValue
	row   = map[string]types.AttributeValue
)

func number(n int64) value { return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)} }

// The accounts, and what all clients together last heard of each.
type bank struct {
	db     *dynamodb.Client
	tables [2]string
	ids    []string
	mutex  sync.Mutex
	latest []state
}

func newBank(items int, seed int64) *bank {
	config := aws.Config{
		Region: os.Getenv("AWS_REGION"),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"),
				SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY")}, nil
		}),
		BaseEndpoint: aws.String(os.Getenv("AWS_ENDPOINT_URL")),
		// What was answered with an error must not happen behind the history's back.
		Retryer:    func() aws.Retryer { return aws.NopRetryer{} },
		HTTPClient: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1000}},
	}
	b := &bank{db: dynamodb.NewFromConfig(config), latest: make([]state, items)}
	for n := range b.tables {
		b.tables[n] = fmt.Sprintf("accounts-%d-%d", seed, n)
	}
	for n := range b.latest {
		b.ids = append(b.ids, fmt.Sprintf("account-%03d", n))
		b.latest[n].balance = startBalance
	}
	return b
}

func (b *bank) table(item uint32) *string { return &b.tables[int(item)%len(b.tables)] }

func (b *bank) key(item uint32) row {
	return row{"id": &types.AttributeValueMemberS{Value: b.ids[item]}}
}

func (b *bank) row(item uint32, is state, maker string) row {
	return row{"id": &types.AttributeValueMemberS{Value: b.ids[item]}, "version": number(int64(is.version)),
		"balance": number(is.balance), "maker": &types.AttributeValueMemberS{Value: maker}}
}

func stateOf(found row) (state, error) {
	read := func(name string) (int64, error) {
		got, ok := found[name].(*types.AttributeValueMemberN)
		if !ok {
			return 0, fmt.Errorf("no number %s in %v", name, found)
		}
		return strconv.ParseInt(got.Value, 10, 64)
	}
	version, err := read("version")
	if err != nil {
		return state{}, err
	}
	balance, err := read("balance")
	return state{uint32(version), balance}, err
}

// Makes tables and accounts.
func (b *bank) open(ctx context.Context) error {
	for n := range b.tables {
		input := dynamodb.CreateTableInput{TableName: &b.tables[n], BillingMode: types.BillingModePayPerRequest,
			AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: "S"}},
			KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: types.KeyTypeHash}}}
		if _, err := b.db.CreateTable(ctx, &input); err != nil {
			return err
		}
		waiter := dynamodb.NewTableExistsWaiter(b.db, func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay = time.Second / 20 })
		if err := waiter.Wait(ctx, &dynamodb.DescribeTableInput{TableName: &b.tables[n]}, time.Minute); err != nil {
			return err
		}
	}
	for item := range b.latest {
		input := dynamodb.PutItemInput{TableName: b.table(uint32(item)), Item: b.row(uint32(item), b.latest[item], "nobody")}
		if _, err := b.db.PutItem(ctx, &input); err != nil {
			return err
		}
	}
	return nil
}

// The accounts at the end, each read by itself.
func (b *bank) final(ctx context.Context) ([]state, error) {
	final := make([]state, len(b.latest))
	for item := range final {
		got, err := b.db.GetItem(ctx, &dynamodb.GetItemInput{
			TableName: b.table(uint32(item)), Key: b.key(uint32(item)), ConsistentRead: aws.Bool(true)})
		if err != nil {
			return nil, err
		}
		if final[item], err = stateOf(got.Item); err != nil {
			return nil, err
		}
	}
	return final, nil
}

func (b *bank) known(item uint32) state {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.latest[item]
}

func (b *bank) hear(item uint32, is state) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if is.version > b.latest[item].version {
		b.latest[item] = is
	}
}

// AWS's SDK for JavaScript against a server, as AWS_ENDPOINT_URL and the credentials in the environment lead to it.
// Usage: node sdk.mjs lambda|dynamodb|streams ZIP RUNTIME NAME. Prints one JSON object of what each step gave; a test reads it.
import { readFileSync } from 'node:fs';
import * as lambdaSdk from '@aws-sdk/client-lambda';
import * as dynamoSdk from '@aws-sdk/client-dynamodb';
import * as documentSdk from '@aws-sdk/lib-dynamodb';

const [part, zipPath, runtime, name] = process.argv.slice(2);
const retries = { maxAttempts: 1 };

// What the SDK makes of an error.
async function failureOf(promise) {
  try {
    await promise;
    return null;
  } catch (error) {
    return {
      class: error.constructor.name, name: error.name, status: error.$metadata?.httpStatusCode,
      fault: error.$fault, message: error.message, isServiceError: error instanceof lambdaSdk.LambdaServiceException ||
        error instanceof dynamoSdk.DynamoDBServiceException,
    };
  }
}

const text = (bytes) => Buffer.from(bytes ?? []).toString();

async function lambda() {
  const {
    CreateFunctionCommand, CreateFunctionUrlConfigCommand, DeleteFunctionCommand, DeleteFunctionUrlConfigCommand,
    GetFunctionCommand, GetFunctionUrlConfigCommand, InvokeCommand, LambdaClient, UpdateFunctionCodeCommand,
    UpdateFunctionConfigurationCommand, paginateListFunctions, waitUntilFunctionActiveV2, waitUntilFunctionUpdatedV2,
  } = lambdaSdk;
  const client = new LambdaClient(retries);
  const waiting = { client, maxWaitTime: 60, minDelay: 1, maxDelay: 1 };
  const zip = readFileSync(zipPath);
  const create = (FunctionName) => client.send(new CreateFunctionCommand({
    FunctionName, Runtime: runtime, Handler: 'index.handler', Role: 'arn:aws:iam::000000000000:role/any',
    Code: { ZipFile: zip }, Environment: { Variables: { COLOUR: 'blau' } },
  }));
  const invoke = async (event, more) => {
    const answer = await client.send(new InvokeCommand({ FunctionName: name, Payload: JSON.stringify(event), ...more }));
    return {
      status: answer.StatusCode, version: answer.ExecutedVersion, error: answer.FunctionError,
      payload: text(answer.Payload), log: answer.LogResult && Buffer.from(answer.LogResult, 'base64').toString(),
    };
  };
  const found = {};
  found.created = await create(name);
  found.waiter = (await waitUntilFunctionActiveV2(waiting, { FunctionName: name })).state;
  found.createdTwice = await failureOf(create(name));
  found.invoked = await invoke({ n: 1, text: 'ü😀' }, { LogType: 'Tail' });
  found.thrown = await invoke({ fail: true });
  found.event = await invoke({}, { InvocationType: 'Event' });
  found.dryRun = await invoke({}, { InvocationType: 'DryRun' });
  found.missing = await failureOf(client.send(new InvokeCommand({ FunctionName: 'no-such-function' })));
  found.notJson = await failureOf(client.send(new InvokeCommand({ FunctionName: name, Payload: '{' })));
  found.badMemory = await failureOf(client.send(new UpdateFunctionConfigurationCommand({ FunctionName: name, MemorySize: 1 })));
  found.badZip = await failureOf(client.send(new UpdateFunctionCodeCommand({ FunctionName: name, ZipFile: Buffer.from('no zip') })));

  await client.send(new UpdateFunctionConfigurationCommand({
    FunctionName: name, Timeout: 9, Environment: { Variables: { COLOUR: 'rot' } } }));
  await waitUntilFunctionUpdatedV2(waiting, { FunctionName: name });
  found.updated = await invoke({});
  found.got = await client.send(new GetFunctionCommand({ FunctionName: name }));
  const code = await fetch(found.got.Code.Location);
  found.codeIsTheZip = Buffer.from(await code.arrayBuffer()).equals(zip);

  found.url = await client.send(new CreateFunctionUrlConfigCommand({
    FunctionName: name, AuthType: 'NONE', Cors: { AllowOrigins: ['*'] } }));
  found.urlGot = await client.send(new GetFunctionUrlConfigCommand({ FunctionName: name }));
  await client.send(new DeleteFunctionUrlConfigCommand({ FunctionName: name }));
  found.urlGone = await failureOf(client.send(new GetFunctionUrlConfigCommand({ FunctionName: name })));

  const others = ['-a', '-b', '-c'].map((end) => name + end);
  await Promise.all(others.map(create));
  found.pages = [];
  for await (const page of paginateListFunctions({ client, pageSize: 2 }, {})) {
    found.pages.push(page.Functions.map((f) => f.FunctionName));
  }
  await Promise.all([name, ...others].map((FunctionName) => client.send(new DeleteFunctionCommand({ FunctionName }))));
  found.deleted = await failureOf(client.send(new GetFunctionCommand({ FunctionName: name })));
  return found;
}

async function dynamodb() {
  const {
    ConditionalCheckFailedException, CreateTableCommand, DeleteTableCommand, DescribeTableCommand, DynamoDBClient, GetItemCommand,
    waitUntilTableExists,
  } = dynamoSdk;
  const {
    BatchGetCommand, BatchWriteCommand, DeleteCommand, DynamoDBDocumentClient, ExecuteStatementCommand, GetCommand, PutCommand,
    QueryCommand, TransactWriteCommand, UpdateCommand, paginateQuery, paginateScan,
  } = documentSdk;
  const client = new DynamoDBClient(retries);
  const documents = DynamoDBDocumentClient.from(client);
  const found = {};
  await client.send(new CreateTableCommand({
    TableName: name, BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [{ AttributeName: 'p', AttributeType: 'S' }, { AttributeName: 's', AttributeType: 'N' }],
    KeySchema: [{ AttributeName: 'p', KeyType: 'HASH' }, { AttributeName: 's', KeyType: 'RANGE' }],
  }));
  found.waiter = (await waitUntilTableExists({ client, maxWaitTime: 60, minDelay: 1, maxDelay: 1 }, { TableName: name })).state;
  const item = { p: 'ü', s: 1, list: [1, 'two', null, true], tree: { deep: { x: 1.5 } }, set: new Set(['a', 'b']),
    bytes: Buffer.from([0, 255]) };
  await documents.send(new PutCommand({ TableName: name, Item: item }));
  const got = (await documents.send(new GetCommand({ TableName: name, Key: { p: 'ü', s: 1 } }))).Item;
  found.got = { ...got, set: [...got.set].sort(), bytes: [...got.bytes] };
  found.raw = (await client.send(new GetItemCommand({
    TableName: name, Key: { p: { S: 'ü' }, s: { N: '1' } }, ProjectionExpression: 'tree.deep.x' }))).Item;
  for (let s = 2; s <= 7; s++) await documents.send(new PutCommand({ TableName: name, Item: { p: 'ü', s, square: s * s } }));
  const query = { TableName: name, KeyConditionExpression: 'p = :p AND s > :s', FilterExpression: 'square <> :nine',
    ExpressionAttributeValues: { ':p': 'ü', ':s': 1, ':nine': 9 } };
  const answer = await documents.send(new QueryCommand({ ...query, ScanIndexForward: false }));
  found.query = { items: answer.Items.map((i) => i.s), count: answer.Count, scanned: answer.ScannedCount };
  found.pages = [];
  for await (const page of paginateQuery({ client: documents, pageSize: 2 }, query)) found.pages.push(page.Items.map((i) => i.s));
  found.updated = (await documents.send(new UpdateCommand({
    TableName: name, Key: { p: 'ü', s: 2 }, UpdateExpression: 'SET square = square + :one, fresh = if_not_exists(fresh, :list)',
    ExpressionAttributeValues: { ':one': 1, ':list': ['new'] }, ReturnValues: 'ALL_NEW' }))).Attributes;
  const refused = documents.send(new PutCommand({ TableName: name, Item: { p: 'ü', s: 2 }, ConditionExpression: 'attribute_not_exists(p)' }));
  found.isConditionalCheck = await refused.catch((error) => error instanceof ConditionalCheckFailedException);
  found.missingTable = await failureOf(documents.send(new GetCommand({ TableName: 'no-such-table', Key: { p: 'x', s: 1 } })));
  found.badExpression = await failureOf(documents.send(new QueryCommand({ TableName: name, KeyConditionExpression: 'p ==' })));
  await documents.send(new DeleteCommand({ TableName: name, Key: { p: 'ü', s: 1 } }));
  found.deleted = (await documents.send(new GetCommand({ TableName: name, Key: { p: 'ü', s: 1 } }))).Item ?? null;
  await documents.send(new BatchWriteCommand({ RequestItems: { [name]: [10, 11, 12].map((s) => (
    { PutRequest: { Item: { p: 'batch', s } } })) } }));
  const batch = await documents.send(new BatchGetCommand({ RequestItems: { [name]: { Keys: [10, 12, 99].map((s) => ({ p: 'batch', s })) } } }));
  found.batch = batch.Responses[name].map((i) => i.s).sort();
  const twice = documents.send(new TransactWriteCommand({ TransactItems: [
    { Put: { TableName: name, Item: { p: 'batch', s: 13 } } },
    { Update: { TableName: name, Key: { p: 'batch', s: 10 }, UpdateExpression: 'SET n = :n', ConditionExpression: 'attribute_exists(n)',
      ExpressionAttributeValues: { ':n': 1 } } }] }));
  found.reasons = await twice.catch((error) => [error.name, ...error.CancellationReasons.map((r) => r.Code)]);
  found.scanned = 0;
  for await (const page of paginateScan({ client: documents, pageSize: 4 }, { TableName: name })) found.scanned += page.Items.length;
  found.partiql = (await documents.send(new ExecuteStatementCommand({
    Statement: `SELECT s FROM "${name}" WHERE p = ? AND s > ?`, Parameters: ['batch', 10] }))).Items;
  await client.send(new DeleteTableCommand({ TableName: name }));
  found.tableGone = await failureOf(client.send(new DescribeTableCommand({ TableName: name })));
  return found;
}

// InvokeWithResponseStream: what came in which piece, and when.
async function streams() {
  const { InvokeWithResponseStreamCommand, LambdaClient } = lambdaSdk;
  const client = new LambdaClient(retries);
  const read = async (event, more) => {
    const answer = await client.send(new InvokeWithResponseStreamCommand({
      FunctionName: name, Payload: JSON.stringify(event), ...more }));
    const found = { status: answer.StatusCode, type: answer.ResponseStreamContentType, version: answer.ExecutedVersion, pieces: [] };
    for await (const piece of answer.EventStream ?? []) {
      if (piece.PayloadChunk) found.pieces.push({ text: text(piece.PayloadChunk.Payload), at: Date.now() });
      if (piece.InvokeComplete) {
        const { ErrorCode: error, ErrorDetails: details, LogResult: log } = piece.InvokeComplete;
        found.complete = { error, details, log: log && Buffer.from(log, 'base64').toString() };
      }
    }
    return found;
  };
  return {
    whole: await read({ pause: 700 }, { LogType: 'Tail' }),
    broken: await read({ fail: true }),
    large: (await read({ megabytes: 8 })).pieces.reduce((size, piece) => size + piece.text.length, 0),
    dryRun: (await read({}, { InvocationType: 'DryRun' })).status,
    missing: await failureOf(client.send(new InvokeWithResponseStreamCommand({ FunctionName: 'no-such-function' }))),
  };
}

console.log(JSON.stringify(await { lambda, dynamodb, streams }[part]()));

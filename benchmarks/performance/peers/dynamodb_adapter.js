// oidc-provider's adapter (docs, "adapter") on one DynamoDB table, as cheap as its contract allows: each call of it is
// one call to DynamoDB, payloads are JSON text, and the index that ends a grant's tokens holds keys alone.
// The client keeps its connections alive, which is the SDK's default. What finds sessions and devices by other names is
// left out: no refresh asks for it.
import {
  BatchWriteItemCommand,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';

const client = new DynamoDBClient({});
const TableName = process.env.OIDC_PROVIDER_TABLE;
const BATCH = 25;

const now = () => Math.floor(Date.now() / 1000);

export class DynamoDBAdapter {
  constructor(model) {
    this.model = model;
  }

  key(id) {
    return { id: { S: `${this.model}:${id}` } };
  }

  async upsert(id, payload, expiresIn) {
    const Item = { ...this.key(id), payload: { S: JSON.stringify(payload) } };
    if (payload.grantId) Item.grant_id = { S: payload.grantId };
    if (expiresIn) Item.expires_at = { N: String(now() + expiresIn) };
    await client.send(new PutItemCommand({ TableName, Item }));
  }

  async find(id) {
    // Consistent: a token that was consumed a moment ago must not look unused.
    const { Item } = await client.send(new GetItemCommand({ TableName, Key: this.key(id), ConsistentRead: true }));
    if (!Item || (Item.expires_at && Number(Item.expires_at.N) <= now())) return undefined;
    const payload = JSON.parse(Item.payload.S);
    return Item.consumed_at ? { ...payload, consumed: Number(Item.consumed_at.N) } : payload;
  }

  async consume(id) {
    await client.send(new UpdateItemCommand({
      TableName,
      Key: this.key(id),
      UpdateExpression: 'SET consumed_at = :now',
      ExpressionAttributeValues: { ':now': { N: String(now()) } },
    }));
  }

  async destroy(id) {
    await client.send(new DeleteItemCommand({ TableName, Key: this.key(id) }));
  }

  async revokeByGrantId(grantId) {
    const { Items } = await client.send(new QueryCommand({
      TableName,
      IndexName: 'grant',
      KeyConditionExpression: 'grant_id = :grant',
      ExpressionAttributeValues: { ':grant': { S: grantId } },
    }));
    for (let from = 0; from < Items.length; from += BATCH) {
      const requests = Items.slice(from, from + BATCH).map(({ id }) => ({ DeleteRequest: { Key: { id } } }));
      await client.send(new BatchWriteItemCommand({ RequestItems: { [TableName]: requests } }));
    }
  }
}

// Tests the whole app on its own server, in the test's process: `npm test`.
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import { type Embedded, embedded } from "@maxcloud/server"

let cloud: Embedded

before(async () => {
  cloud = await embedded()
  await cloud.client.deploy(`${import.meta.dirname}/maxcloud.config.ts`)
})
after(() => cloud?.close())

test("lists a new order", async () => {
  const made = await cloud.fetch("web", "/orders", { method: "POST", body: JSON.stringify({ item: "tea" }) })
  assert.equal(made.status, 201)
  const listed = await cloud.fetch("web", "/orders")
  assert.deepEqual(await listed.json(), [{ item: "tea" }])
})

test("responds with 404 to an unknown path", async () => {
  assert.equal((await cloud.fetch("web", "/nothing")).status, 404)
})

test("generates the session key, and no response contains it", async () => {
  const secrets = await cloud.client.secrets.list("shop")
  assert.deepEqual(
    secrets.map(({ name }) => name),
    ["SESSION_KEY"]
  )
})

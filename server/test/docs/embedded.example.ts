// web.test.ts: run it by `node --test`
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import { defineConfig, service } from "@maxcloud/sdk/config"
import { type Embedded, embedded } from "@maxcloud/server"

let cloud: Embedded

before(async () => {
  cloud = await embedded() // a whole server, on a free port, with a temporary data folder
  const web = service("web", { source: "./web", env: { GREETING: "Hello" } })
  await cloud.client.deploy(defineConfig({ app: "shop", services: [web] }))
})
after(() => cloud?.close()) // stops the server, the services and their data

test("web greets by name", async () => {
  const response = await cloud.fetch("web", "/greet?name=Ada")
  assert.equal(response.status, 200)
  assert.equal(await response.text(), "Hello, Ada")
})

test("web takes orders", async () => {
  const response = await cloud.fetch("web", "/orders", { method: "POST", body: JSON.stringify({ items: 2 }) })
  assert.deepEqual(await response.json(), { items: 2 })
})

test("web answers at its URL", async () => {
  const { url } = (await cloud.client.services.get("web")).status
  const response = await fetch(`${url}/greet?name=Bob`, { dispatcher: cloud.dispatcher })
  assert.equal(await response.text(), "Hello, Bob")
})

// checkout.test.ts: run it by `node --test`
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import { defineConfig, service } from "@maxcloud/sdk/config"
import { type Embedded, embedded } from "@maxcloud/server"

let cloud: Embedded
const invoices: Array<unknown> = []

before(async () => {
  cloud = await embedded({
    images: {
      "registry.example.com/acme/billing": async (request) => {
        invoices.push(await request.json())
        return Response.json({ paid: true })
      }
    }
  })
  const billing = service("billing", { image: "registry.example.com/acme/billing:3", visibility: "internal" })
  const web = service("web", { source: "./web", env: { BILLING_URL: billing.url } })
  await cloud.client.deploy(defineConfig({ app: "shop", services: [billing, web] }))
})
after(() => cloud?.close())

test("a checkout sends an invoice", async () => {
  const response = await cloud.fetch("web", "/checkout")
  assert.deepEqual(await response.json(), { paid: true })
  assert.deepEqual(invoices, [{ total: 5 }])
})

test("a checkout starts services that are at zero", async () => {
  await cloud.advanceAutoscaler(90)
  assert.equal((await cloud.fetch("web", "/checkout")).status, 200)
})

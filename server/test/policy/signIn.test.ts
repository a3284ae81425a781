import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { startServer } from "./accountServer.ts"
import { makeBrowser } from "./browser.ts"
import { makePeople } from "./people.ts"

let server: Awaited<ReturnType<typeof startServer>>
beforeAll(async () => {
  server = await startServer({ requestsPerMinute: 100_000 })
}, 60_000)
afterAll(() => server?.stop())

const email = "victim@signing.test"
const begin = async (address: string) => {
  const browser = makeBrowser(server.url, address)
  await browser.get("/auth/sign-in")
  const { status } = await browser.submit("/auth/sign-in", { step: "email", email })
  return { browser, status }
}
const type = (browser: ReturnType<typeof makeBrowser>, code: string) =>
  browser.submit("/auth/sign-in", { step: "code", code })

describe("signing in", () => {
  it("still works for a person if others request their codes and guess, from any addresses", async () => {
    await makePeople(server).owner(email, "signing")
    const attackers = []
    for (let network = 1; network <= 6; network++) {
      attackers.push(await Promise.all(Array.from({ length: 5 }, () => begin(`198.51.100.${network}`))))
    }
    for (const { browser, status } of attackers.flat().filter((_, i) => i % 5 === 0)) {
      expect(status).toBe(303)
      for (let guess = 0; guess < 5; guess++) expect((await type(browser, "BBBB-BBBB")).status).toBe(422)
    }
    // One network has used up its own attempts, and nobody else's.
    expect((await begin("198.51.100.1")).status).toBe(429)

    const victim = await begin("203.0.113.9")
    expect(victim.status).toBe(303)
    const code = await server.fromLog(/[A-Z]{4}-[A-Z]{4}(?=\W)/)
    const [attacker] = attackers[0] ?? []
    // A network without attempts doesn't get in with the right code either.
    if (attacker !== undefined) expect((await type(attacker.browser, code)).status).toBe(422)
    const signedIn = await type(victim.browser, code)
    expect([signedIn.status, signedIn.location]).toEqual([303, "/auth/device"])
    // Nor does anybody else with a used code.
    const other = attackers[1]?.[1]
    if (other !== undefined) expect((await type(other.browser, code)).status).toBe(422)
  }, 60_000)
})

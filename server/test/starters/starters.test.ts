import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { makeStarterServer } from "./deployStarter.ts"
import { quickStarters } from "./starters.ts"

describe("a starter reaches its URL with `source` alone (needs the registries)", () => {
  let server: Awaited<ReturnType<typeof makeStarterServer>>
  beforeAll(async () => {
    server = await makeStarterServer()
  })
  afterAll(() => server.close())

  it.each(quickStarters)(
    "$name",
    async (starter) => {
      const { answer } = await server.deploy(starter)
      expect(answer).toContain("200 ")
      expect(answer).toContain(starter.text)
    },
    180_000
  )
})

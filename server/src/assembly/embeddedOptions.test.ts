import { describe, expect, it } from "@effect/vitest"
import { createClient } from "@maxcloud/sdk"
import { InvalidRequest } from "@maxcloud/sdk/api"
import { embedded } from "./embedded.ts"
import { embeddedFetch, loopbackDispatcher } from "./embeddedFetch.ts"

const isAny = (_: unknown): _ is never => true

const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable("accepted"),
    (error: unknown) => {
      expect(error).toBeInstanceOf(InvalidRequest)
      return String(error)
    }
  )

describe("the options of an embedded server", () => {
  it("are refused if one is unknown, before anything starts", async () => {
    for (const options of [{ imagez: {} }, { imagez: undefined, prot: 1 }, "images", null].filter(isAny)) {
      expect(await refusal(embedded(options))).toMatch(/Did you mean "(images|port)"|isn't an object of options/)
    }
  })

  it("are refused if one of a request is unknown", async () => {
    const { destroy, dispatcher } = loopbackDispatcher("localhost")
    const fetch = embeddedFetch(createClient({ apiUrl: "http://127.0.0.1:1", token: "t" }), dispatcher)
    const [request] = [{ stagee: "dev", method: "POST" }].filter(isAny)
    expect(await refusal(fetch("web", "/", request))).toContain('Did you mean "stage"?')
    await destroy()
  })
})

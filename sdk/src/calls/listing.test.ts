import { describe, expect, it } from "@effect/vitest"
import { fakeServer, json } from "../../test/fakeServer.ts"
import { createClient } from "../client.ts"
import { UnexpectedAnswer } from "../errors.ts"

const clientOf = (apiUrl: string) => createClient({ apiUrl, token: "t" })
const next = (cursor: string) => ({ link: `</api/v1/services?cursor=${cursor}>; rel="next"` })

const failureOf = (call: PromiseLike<unknown>) =>
  Promise.resolve(call).then(
    () => expect.unreachable("it succeeds"),
    (error: unknown) => error
  )

describe("a list of a faulty server", () => {
  it("ends if a cursor repeats, however many pages later", async () => {
    await using server = await fakeServer({
      "GET /api/v1/services": ({ query }, response) => {
        const page = Number(query.get("cursor") ?? "0")
        response.setHeaders(new Headers(next(String((page % 3) + 1))))
        json(response, 200, [])
      }
    })
    const error = await failureOf(clientOf(server.url).services.list())
    expect(error).toBeInstanceOf(UnexpectedAnswer)
    expect(String(error)).toContain("names a page again")
    expect(server.received).toHaveLength(4)
  })

  it("ends after 100 empty pages in a row", async () => {
    let page = 0
    await using server = await fakeServer({
      "GET /api/v1/services": (_, response) => {
        response.setHeaders(new Headers(next(String(++page))))
        json(response, 200, [])
      }
    })
    const error = await failureOf(clientOf(server.url).services.list())
    expect(error).toBeInstanceOf(UnexpectedAnswer)
    expect(String(error)).toContain("100 empty pages in a row")
    expect(server.received).toHaveLength(100)
  })

  it("fails as an unexpected response if it's nested too deeply to be read", async () => {
    await using server = await fakeServer({
      "GET /api/v1/services": (_, response) =>
        void response
          .writeHead(200, { "content-type": "application/json" })
          .end(`${"[".repeat(50_000)}${"]".repeat(50_000)}`)
    })
    const error = await failureOf(clientOf(server.url).services.list())
    expect(error).toBeInstanceOf(UnexpectedAnswer)
    expect(String(error)).toContain("nested too deeply")
  })
})

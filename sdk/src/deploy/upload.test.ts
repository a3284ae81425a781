import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { writeFileSync } from "node:fs"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { afterEach, assert, describe, expect, it } from "@effect/vitest"
import { temporaryFolder } from "../../test/temporaryFolder.ts"
import { InsufficientStorage, Unauthenticated } from "../api/index.ts"
import { createClient } from "../client.ts"
import { NotReachable } from "../errors.ts"

const closers: Array<() => unknown> = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const notFound = {
  type: "/problems/not-found",
  title: "Not found",
  status: 404,
  code: "not_found",
  resource: "source",
  resourceName: "x",
  detail: "none"
}
const unauthenticated = {
  type: "/problems/unauthenticated",
  title: "Not signed in",
  status: 401,
  code: "unauthenticated",
  detail: "the key was revoked"
}
const full = {
  type: "/problems/insufficient-storage",
  title: "Insufficient storage",
  status: 507,
  code: "insufficient_storage",
  detail: "The disk is full."
}

const answer = (response: ServerResponse, body: { readonly status: number }) =>
  response.writeHead(body.status, { "content-type": "application/problem+json" }).end(JSON.stringify(body))

/** Deploys a source of 8 MiB to a server with this response, and returns the deploy's error. */
const failureOf = async (listener: (request: IncomingMessage, response: ServerResponse) => void): Promise<unknown> => {
  const server = createServer(listener).listen(0, "127.0.0.1")
  await once(server, "listening")
  closers.push(
    () => server.closeAllConnections(),
    () => server.close()
  )
  const source = temporaryFolder("upload-")
  writeFileSync(join(source, "data"), randomBytes(8 * 2 ** 20))
  const { port } = server.address() as AddressInfo
  const client = createClient({ apiUrl: `http://127.0.0.1:${port}`, token: "" })
  return client.deploy({ app: "app", services: [{ name: "app", source }] }).then(
    () => expect.unreachable("it was deployed"),
    (error: unknown) => error
  )
}

describe("an upload", () => {
  it("reads a response that arrives during the upload", async () => {
    const error = await failureOf((request, response) =>
      // The rest of the body is never read.
      request.method === "PUT" ? request.once("data", () => void answer(response, full)) : answer(response, notFound)
    )
    assert(error instanceof InsufficientStorage)
    expect(error.message).toBe("The disk is full.")
  })

  it("retries once if the connection breaks without a response, and reports the response to that", async () => {
    let broken = false
    const error = await failureOf((request, response) => {
      if (request.method === "PUT") {
        broken = true
        request.once("data", () => request.socket.destroy())
      } else answer(response, broken ? unauthenticated : notFound)
    })
    assert(error instanceof Unauthenticated)
    expect(error.message).toBe("the key was revoked")
  })

  it("reports the broken connection, and doesn't suggest checking the address", async () => {
    const error = await failureOf((request, response) => {
      if (request.method === "PUT") request.once("data", () => request.socket.resetAndDestroy())
      else answer(response, notFound)
    })
    assert(error instanceof NotReachable)
    expect(error.message).toMatch(
      /broke during the upload of a source \(\w+\): deploy again\. .*limit on the size of requests/
    )
    expect(error.message).not.toMatch(/check the address/)
  })

  it("succeeds if only the response was lost", async () => {
    let sent = false
    const error = await failureOf((request, response) => {
      if (request.method === "PUT") {
        sent = true
        request.resume().once("end", () => request.socket.destroy())
      } else if (request.url?.includes("/sources/") === true && sent) {
        response.writeHead(200, { "content-type": "application/json" })
        response.end(JSON.stringify({ digest: decodeURIComponent(request.url.split("/").at(-1) ?? ""), bytes: 1 }))
      } else answer(response, request.url?.includes("/sources/") === true ? notFound : unauthenticated)
    })
    // It continued to the deployment.
    assert(error instanceof Unauthenticated)
  })
})

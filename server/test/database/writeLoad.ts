import { setTimeout as sleep } from "node:timers/promises"
import { expect } from "@effect/vitest"
import type { ServerProcess } from "../serverProcess.ts"

/** The acknowledgements that endless writers have received. */
export interface Told {
  readonly secrets: ReadonlyArray<string>
  readonly deployments: ReadonlyArray<string>
  readonly refused: number
  readonly longestMs: number
}

const json = { "content-type": "application/json" }
const base = (url: string) => `${url}/api/v1/apps/shop/stages/dev`

/**
 * Sets secrets and deploys, `writers` at a time, until `stop` is called, and then returns what was acknowledged. The only
 * permitted server error is 503 with `Retry-After`, and none may take longer than 30 s.
 */
export const writeLoad = (server: Pick<ServerProcess, "url" | "output">, writers = 6) => {
  const { url } = server
  let stopped = false
  const secrets: Array<string> = []
  const deployments: Array<string> = []
  const wrong: Array<string> = []
  let refused = 0
  let longestMs = 0

  const send = async (method: string, path: string, body: unknown) => {
    const began = Date.now()
    const response = await fetch(`${base(url)}/${path}`, {
      method,
      headers: json,
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(30_000)
    })
    const text = await response.text()
    longestMs = Math.max(longestMs, Date.now() - began)
    if (response.ok) return text
    if (response.status === 503 && Number(response.headers.get("retry-after")) > 0) refused++
    else {
      const log = server.output
        .split("\n")
        .filter((line) => line.includes(response.headers.get("x-request-id") ?? text))
      wrong.push(`${method} ${path}: ${response.status} ${text} ${log.join("\n")}`)
    }
    await sleep(20)
    return undefined
  }

  const write = async (writer: number) => {
    for (let n = 0; !stopped; n++) {
      const name = `KEY_${writer}_${n}`
      if ((await send("PUT", `secrets/${name}`, { value: `value ${name}` })) !== undefined) secrets.push(name)
      const accepted = await send("POST", "deployments", { spec: { app: "shop", services: [] } })
      if (accepted !== undefined) deployments.push(JSON.parse(accepted).id)
    }
  }
  const done = Promise.all(Array.from({ length: writers }, (_, n) => write(n)))

  return {
    acknowledged: () => secrets.length + deployments.length,
    stop: async (): Promise<Told> => {
      stopped = true
      await done
      expect(wrong).toStrictEqual([])
      expect(longestMs).toBeLessThan(30_000)
      return { secrets, deployments, refused, longestMs }
    }
  }
}

/** Does everything acknowledged exist? */
export const assertKept = async (url: string, { deployments, secrets }: Told) => {
  const names = new Set<string>()
  for (let page: string | undefined = `${base(url)}/secrets?limit=500`; page !== undefined; ) {
    const response: Response = await fetch(page)
    for (const { name } of (await response.json()) as ReadonlyArray<{ readonly name: string }>) names.add(name)
    const next = /<([^>]+)>; rel="next"/.exec(response.headers.get("link") ?? "")?.[1]
    page = next === undefined ? undefined : new URL(next, page).href
  }
  expect(secrets.filter((secret) => !names.has(secret))).toStrictEqual([])
  for (const id of deployments) {
    const response = await fetch(`${url}/api/v1/deployments/${id}`)
    expect(response.status, id).toBe(200)
    await response.body?.cancel()
  }
}

/** Waits until `count` more writes have been acknowledged. */
export const awaitWrites = async (load: { readonly acknowledged: () => number }, count: number) => {
  const goal = load.acknowledged() + count
  const deadline = Date.now() + 60_000
  while (load.acknowledged() < goal) {
    expect(Date.now(), "a write is acknowledged in time").toBeLessThan(deadline)
    await sleep(20)
  }
}

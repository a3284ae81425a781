import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { type Embedded, embedded } from "../src/assembly/index.ts"
import { getByHost } from "./getByHost.ts"
import { makeSource } from "./makeSource.ts"

const program = `require("node:http").createServer((_, response) => response.end("here")).listen(process.env.PORT)`

describe("under load", () => {
  const source = makeSource(program)
  let cloud: Embedded
  beforeAll(async () => {
    cloud = await embedded()
    await cloud.client.deploy({ app: "web", services: [{ name: "web", source: source.folder, scale: { min: 1 } }] })
  }, 60_000)
  afterAll(async () => {
    await cloud?.close()
    source.remove()
  })

  /** Sends requests without a pause, from several callers, and records the order in which they began. */
  const startLoad = (url: string) => {
    const answers: Array<{ readonly began: number; readonly status: number | undefined }> = []
    let began = 0
    let ended = false
    const callers = Array.from({ length: 8 }, async () => {
      while (!ended) {
        const at = began++
        answers.push({ began: at, status: (await getByHost(url)).status })
      }
    })
    return {
      /** The number of the next request. */
      next: () => began,
      answered: async (count: number) => {
        for (const until = began + count; began < until; ) await new Promise(setImmediate)
      },
      end: async () => {
        ended = true
        await Promise.all(callers)
        return answers
      }
    }
  }
  const statusesFrom = (
    answers: Awaited<ReturnType<ReturnType<typeof startLoad>["end"]>>,
    from: number,
    to: number
  ) => [...new Set(answers.filter(({ began }) => began >= from && began < to).map(({ status }) => status))]

  it("serves no request after the response to a pause, and refuses none after the response to a resume", {
    timeout: 60_000
  }, async () => {
    const { services } = cloud.client
    const url = (await services.get("web")).status.url ?? ""
    const load = startLoad(url)
    const rounds: Array<Record<"paused" | "asked" | "resumed" | "done", number>> = []
    for (let round = 0; round < 5; round++) {
      await load.answered(50)
      await services.pause("web")
      const paused = load.next()
      await load.answered(50)
      const asked = load.next()
      await services.resume("web")
      const resumed = load.next()
      await load.answered(50)
      rounds.push({ paused, asked, resumed, done: load.next() })
    }
    const answers = await load.end()
    for (const { paused, asked, resumed, done } of rounds) {
      expect(statusesFrom(answers, paused, asked)).toEqual([503])
      expect(statusesFrom(answers, resumed, done)).toEqual([200])
    }
  })
})

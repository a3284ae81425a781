import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { appOfImage, type ImageInput, imageFlagOf } from "./imageApp.ts"

const nothing: ImageInput = {
  env: [],
  envFrom: undefined,
  envFile: undefined,
  port: undefined,
  command: [],
  cpu: undefined,
  memory: undefined,
  min: undefined,
  max: undefined,
  visibility: undefined
}
const app = (input: Partial<ImageInput>, image = "nginx:1") =>
  Effect.runPromise(appOfImage("web", image, { ...nothing, ...input }))
const refusal = (input: Partial<ImageInput>, image = "nginx:1") =>
  Effect.runPromise(Effect.flip(appOfImage("web", image, { ...nothing, ...input })))

describe("deploy --name", () => {
  it("sets what its flags say, and leaves the rest to the defaults", async () => {
    const flags = { cpu: "0.5", memory: "256Mi", min: 1, max: 3, visibility: "internal", port: 3000, env: ["A=b=c"] }
    expect(await app({ ...flags, command: ["sh -c 'exec app'"] })).toMatchObject({
      app: "web",
      services: [
        {
          name: "web",
          image: "nginx:1",
          command: ["sh", "-c", "exec app"],
          cpu: "500m",
          memory: "256Mi",
          scale: { min: 1, max: 3 },
          visibility: "internal",
          port: 3000,
          env: { A: "b=c" }
        }
      ]
    })
    expect((await app({ command: ["node", "a file.js"] })).services[0]?.command).toEqual(["node", "a file.js"])
    const bare = (await app({})).services[0]
    expect(bare).toMatchObject({ port: "auto" })
    expect(bare).not.toHaveProperty("command")
  })

  it.each<[Partial<ImageInput>, RegExp]>([
    [{ memory: "lots" }, /^--memory: "lots" isn't a valid amount of memory/],
    [{ cpu: "0" }, /^--cpu: "0" is out of range/],
    [{ min: 3, max: 2 }, /^--min: min \(3\) is greater than max \(2\)/],
    [{ max: 0 }, /^--max: 0 isn't a valid number of instances/],
    [{ visibility: "secret" }, /^--visibility: /],
    [{ port: 70_000 }, /^--port: /],
    [{ command: ["sh -c 'open"] }, /^--command can't be read: its quote ' isn't closed/],
    [{ env: ["PORT=1"], port: 2 }, /^--env: /]
  ])("names the invalid flag: %o", async (input, message) => {
    const error = await refusal(input)
    expect(error._tag).toBe("UsageError")
    expect(error.message).toMatch(message)
  })

  it("knows which flags need --name", () => {
    expect(imageFlagOf(nothing)).toBeUndefined()
    expect(imageFlagOf({ ...nothing, max: 0 })).toBe("--max")
    expect(imageFlagOf({ ...nothing, command: ["a"] })).toBe("--command")
  })
})

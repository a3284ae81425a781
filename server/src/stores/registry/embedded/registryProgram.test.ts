import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { findRegistryProgram } from "./registryProgram.ts"

describe("the program of the embedded registry", () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "program-"))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const programThatSays = async (name: string, text: string) => {
    const path = join(folder, name)
    await writeFile(path, `#!/bin/sh\necho '${text}'\n`)
    await chmod(path, 0o755)
    return path
  }
  const found = (setting: string) => Effect.runPromise(Effect.either(findRegistryProgram(setting)))

  it("knows the version of CNCF Distribution, which decides how it takes keys", async () => {
    const two = await programThatSays("two", "docker-registry github.com/docker/distribution 2.8.2+ds1")
    const three = await programThatSays("three", "registry github.com/distribution/distribution/v3 v3.0.0")
    expect(await found(two)).toMatchObject({ right: { path: two, major: 2, version: "2.8.2+ds1" } })
    expect(await found(three)).toMatchObject({ right: { path: three, major: 3, version: "3.0.0" } })
  })

  it("refuses another program and a missing one, and says how to get the right one", async () => {
    const other = await programThatSays("other", "registry 1.0")
    const missing = join(folder, "missing")
    for (const path of [other, missing]) {
      const refused = expect.stringMatching(new RegExp(`REGISTRY_PROGRAM: ${path} .*apt-get install docker-registry`))
      expect(await found(path)).toMatchObject({ left: { message: refused } })
    }
  })
})

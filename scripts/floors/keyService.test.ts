import { readFileSync } from "node:fs"
import { join, relative } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { sourcesIn } from "./importsOf.ts"

const server = join(import.meta.dirname, "../../server/src")

const filesWith = (pattern: RegExp) =>
  sourcesIn(server).flatMap((file) => (pattern.test(readFileSync(file, "utf8")) ? [relative(server, file)] : []))

describe("the key service", () => {
  it("is asked for data keys in few places, and in transactions only through makeBeforeTransaction", () => {
    expect(filesWith(/masterKey\.(un)?wrap\(/).sort()).toStrictEqual([
      "base/keys/checkMasterKey.ts",
      "base/keys/holderKeys.ts",
      "base/keys/rewrapKeys.ts",
      "operator/backup/backup.ts",
      "operator/backup/restore.ts"
    ])
    const text = readFileSync(join(server, "base/keys/holderKeys.ts"), "utf8")
    expect(text.match(/masterKey\.(un)?wrap\(/g)).toHaveLength(2)
    expect(text.match(/const \w+ = makeBeforeTransaction</g)).toHaveLength(2)
  })

  it("isn't waited for in a transaction that can't be postponed: all of an organization's use `transaction`", () => {
    expect(filesWith(/\bwithTransaction\(/).sort()).toStrictEqual([
      "base/database/Database.ts",
      "base/database/sqlErrors.ts",
      "runtimes/local/objects/LocalObjectsSql.ts"
    ])
  })
})

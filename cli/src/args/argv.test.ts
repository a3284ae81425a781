import { describe, expect, it } from "@effect/vitest"
import { UsageError } from "../errors/failure.ts"
import { canonicalArguments } from "./argv.ts"
import type { FlagInfo } from "./flags.ts"

const flag = (name: string, fields: Partial<FlagInfo> = {}): FlagInfo => ({
  name,
  alias: undefined,
  value: undefined,
  repeated: false,
  mayBeEmpty: false,
  description: "",
  ...fields
})
const flags = [
  flag("name", { alias: "n", value: "NAME" }),
  flag("env", { alias: "e", value: "NAME=VALUE", repeated: true }),
  flag("follow", { alias: "f" }),
  flag("org", { value: "NAME" })
]
const canonical = (...argv: ReadonlyArray<string>) => canonicalArguments(argv, flags)

describe("canonicalArguments", () => {
  it("puts flags before positionals, wherever the user wrote them", () => {
    const expected = ["--name", "myapp", "--env", "A=1", "--env", "B=2", "--", "nginx:latest"]
    expect(canonical("--name", "myapp", "--env", "A=1", "nginx:latest", "-e", "B=2")).toEqual(expected)
    expect(canonical("nginx:latest", "--env=A=1", "-n", "myapp", "--env", "B=2")).toEqual([
      "--env",
      "A=1",
      "--env",
      "B=2",
      "--name",
      "myapp",
      "--",
      "nginx:latest"
    ])
    expect(canonical("myapp", "--follow")).toEqual(["--follow", "true", "--", "myapp"])
  })

  it("refuses empty values, which come from unset variables, except where a flag takes them", () => {
    for (const argv of [["--name", ""], ["--name="], ["-n", ""], ["--env", ""]]) {
      expect(() => canonical(...argv)).toThrow(/^the value of -(-name|n|-env) is empty$/)
    }
    const prefix = [flag("prefix", { value: "PREFIX", mayBeEmpty: true })]
    expect(canonicalArguments(["--prefix", ""], prefix)).toEqual(["--prefix", ""])
  })

  it("accepts values that look like flags or contain equals signs", () => {
    expect(canonical("--env", "A=-1=x")).toEqual(["--env", "A=-1=x"])
    expect(canonical("--name", "-")).toEqual(["--name", "-"])
    expect(canonical("--org", "-")).toEqual(["--org", "-"])
    expect(canonical("--", "--name")).toEqual(["--", "--name"])
  })

  it("refuses unknown flags, missing values and repeated flags, and suggests the right one", () => {
    const failure = (...argv: ReadonlyArray<string>) => {
      try {
        canonical(...argv)
      } catch (error) {
        if (error instanceof UsageError) return `${error.message}; ${error.fix}`
      }
      return undefined
    }
    expect(failure("--folow")).toBe("unknown flag --folow; did you mean --follow?")
    expect(failure("--name")).toBe("--name needs a value; write --name NAME")
    expect(failure("--name", "--follow")).toBe("--name needs a value; write --name NAME")
    expect(failure("-n", "a", "--name", "b")).toBe("--name is given twice; give it once")
  })
})

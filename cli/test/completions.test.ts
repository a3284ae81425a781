import { execFile } from "node:child_process"
import { promisify } from "node:util"
import { expect, it } from "@effect/vitest"
import { makeFolder, run } from "./cli.ts"

const execute = promisify(execFile)

it("completes commands of one to three words in bash, and their flags", async () => {
  const { stdout: script } = await run(["completions", "bash"])
  const folder = makeFolder({ "maxcloud.bash": script })
  const complete = async (line: string) => {
    const words = line.split(" ")
    const { stdout } = await execute("bash", [
      "-c",
      `source "$1/maxcloud.bash"; shift; COMP_WORDS=("$@"); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
       function_name=$(complete -p maxcloud | sed 's/.*-F \\([^ ]*\\).*/\\1/'); $function_name maxcloud "\${COMP_WORDS[-1]}" ""
       echo "\${COMPREPLY[*]}"`,
      "bash",
      folder,
      ...words
    ])
    return stdout.trim().split(" ")
  }
  expect(await complete("maxcloud wh")).toEqual(["whoami"])
  expect(await complete("maxcloud auth ")).toContain("api-keys")
  expect(await complete("maxcloud auth api-keys ")).toEqual(expect.arrayContaining(["create", "list", "rotate"]))
  expect(await complete("maxcloud auth api-keys create --")).toContain("--scope")
  expect(await complete("maxcloud secrets set --")).toContain("--app")
  expect(await complete("maxcloud deploy --")).toContain("--detach")
})

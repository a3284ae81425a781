import { describe, expect, it } from "@effect/vitest"
import { commandsOf, commentOf, statementsOf } from "./shell.ts"

describe("a block of a shell", () => {
  it("splits into statements, each with its continuation lines", () => {
    expect(statementsOf("# no\na b\n\nc \\\n  -d 'x\ny'\ncat <<'END' > f\n# text\nEND\nd # last\n")).toEqual([
      "a b",
      "c \\\n  -d 'x\ny'",
      "cat <<'END' > f\n# text\nEND",
      "d # last"
    ])
  })

  it("starts programs, also after operators and inside substitutions", () => {
    expect(commandsOf(`A=1 mkdir 'a b' && cd "$(pwd)/x" | grep '^{"a"' > out 2>&1`)).toEqual([
      { program: "mkdir", words: ["a b"] },
      { program: "cd", words: ["substituted/x"] },
      { program: "grep", words: ['^{"a"'] },
      { program: "pwd", words: [] }
    ])
    expect(commandsOf("curl -H \"Authorization: Bearer $(cat token)\" 'http://a/b?c&d'  # says 'no'")).toEqual([
      { program: "curl", words: ["-H", "Authorization: Bearer substituted", "http://a/b?c&d"] },
      { program: "cat", words: ["token"] }
    ])
    expect(commandsOf("bao policy write a - <<'END'\npath | x\nEND")).toEqual([
      { program: "bao", words: ["policy", "write", "a", "-"] }
    ])
  })

  it("may end with a comment", () => {
    expect(commentOf("curl 'http://a#b'  # 404, a problem")).toBe("404, a problem")
    expect(commentOf("curl 'http://a #b'")).toBe("")
  })
})

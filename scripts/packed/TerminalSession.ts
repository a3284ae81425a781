import { type ChildProcess, spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { stripVTControlCharacters } from "node:util"

/** The answer to a program's question: a pattern for the question, and the line to type. */
export type Answer = readonly [RegExp, (asked: RegExpExecArray) => string]

export interface Finished {
  readonly code: number | null
  readonly output: string
}

/** A program in its own terminal. */
export interface Running {
  /** Waits until the output matches, and returns all output without colours. Rejects if the program exits first, or after `seconds`. */
  readonly until: (pattern: RegExp, seconds?: number) => Promise<string>
  /** All output so far, with colours and cursor movements. */
  readonly written: () => string
  readonly ended: Promise<Finished>
  /** Types Ctrl-C, and waits for the exit. */
  readonly interrupt: () => Promise<Finished>
}

/** A shell in a terminal, created by util-linux's `script`. Its lines run one after the other, each in the folder where the last one ended. */
export const makeTerminalSession = (
  folder: string,
  env: NodeJS.ProcessEnv,
  state: string,
  answers: ReadonlyArray<Answer>
) => {
  const running = new Set<ChildProcess>()
  let cwd = folder

  const start = (line: string): Running => {
    // `script` passes the line to a shell. The commands after it store the working directory.
    const command = `cd "$SESSION_FOLDER" && ${line}\ncode=$?; pwd > "$SESSION_STATE"; exit $code`
    const child = spawn("script", ["--quiet", "--return", "--flush", "--command", command, "/dev/null"], {
      cwd: folder,
      env: { ...env, SHELL: "/bin/bash", TERM: "xterm", SESSION_FOLDER: cwd, SESSION_STATE: state },
      stdio: ["pipe", "pipe", "pipe"]
    })
    running.add(child)
    let written = ""
    let output = ""
    let answered = 0
    const waiting = new Set<() => void>()
    const take = (chunk: Buffer) => {
      written += String(chunk)
      output = stripVTControlCharacters(output + String(chunk))
      const asked = output.slice(answered)
      for (const [pattern, answer] of answers) {
        const found = pattern.exec(asked)
        if (found === null) continue
        answered = output.length
        child.stdin.write(`${answer(found)}\r`)
      }
      for (const check of waiting) check()
    }
    child.stdout.on("data", take)
    child.stderr.on("data", take)
    child.stdin.on("error", () => {})
    const ended = new Promise<Finished>((resolve) => {
      child.on("close", (code) => {
        running.delete(child)
        resolve({ code, output })
        for (const check of waiting) check()
      })
    })
    return {
      ended,
      written: () => written,
      until: (pattern, seconds = 120) =>
        new Promise((resolve, reject) => {
          const settle = (act: () => void) => {
            clearTimeout(timer)
            waiting.delete(check)
            act()
          }
          const check = () => {
            if (pattern.test(output)) settle(() => resolve(output))
            else if (!running.has(child))
              settle(() => reject(new Error(`"${line}" exited before it printed ${pattern}:\n${output}`)))
          }
          const timer = setTimeout(
            () =>
              settle(() => reject(new Error(`"${line}" hasn't printed ${pattern} within ${seconds} s:\n${output}`))),
            seconds * 1000
          )
          waiting.add(check)
          check()
        }),
      interrupt: () => {
        child.stdin.write("\x03")
        return ended
      }
    }
  }

  return {
    /** The working directory after the lines so far. */
    folder: () => cwd,
    start,
    /** Runs a line until it exits. */
    run: async (line: string): Promise<Finished> => {
      const finished = await start(line).ended
      cwd = readFileSync(state, "utf8").trim()
      return finished
    },
    /** The path of a file in the working directory. */
    path: (name: string) => join(cwd, name),
    /** Stops running programs by Ctrl-C, and kills them after 20 s. */
    close: async () => {
      const left = [...running]
      const ends = left.map((child) => new Promise((resolve) => child.once("close", resolve)))
      for (const child of left) child.stdin?.write("\x03")
      const timer = setTimeout(() => {
        for (const child of left) child.kill("SIGKILL")
      }, 20_000)
      await Promise.all(ends)
      clearTimeout(timer)
    }
  }
}

export type TerminalSession = ReturnType<typeof makeTerminalSession>

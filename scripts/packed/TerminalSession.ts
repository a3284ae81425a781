import { type ChildProcess, spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { stripVTControlCharacters } from "node:util"

/** What is answered when a program asks: the text that it ends with, and the line that is typed. */
export type Answer = readonly [RegExp, (asked: RegExpExecArray) => string]

export interface Finished {
  readonly code: number | null
  readonly output: string
}

/** A program in a terminal of its own, as a person has it. */
export interface Running {
  /** All output so far, without colours, once it matches. Rejects if the program ends before, or after `seconds`. */
  readonly until: (pattern: RegExp, seconds?: number) => Promise<string>
  /** All that was written so far, colours and moves of the cursor included. */
  readonly written: () => string
  readonly ended: Promise<Finished>
  /** Types Ctrl-C, and waits for the end. */
  readonly interrupt: () => Promise<Finished>
}

/** A shell in a terminal (util-linux's `script` makes it): lines run in it one after the other, each where the one before it was left. */
export const makeTerminalSession = (
  folder: string,
  env: NodeJS.ProcessEnv,
  state: string,
  answers: ReadonlyArray<Answer>
) => {
  const running = new Set<ChildProcess>()
  let cwd = folder

  const start = (line: string): Running => {
    // `script` hands the line to a shell; what comes after it says where it has led.
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
              settle(() => reject(new Error(`"${line}" ended before ${pattern}:\n${output}`)))
          }
          const timer = setTimeout(
            () => settle(() => reject(new Error(`"${line}" hasn't said ${pattern} in ${seconds} s:\n${output}`))),
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
    /** The folder that the lines have led to. */
    folder: () => cwd,
    start,
    /** Runs a line to its end. */
    run: async (line: string): Promise<Finished> => {
      const finished = await start(line).ended
      cwd = readFileSync(state, "utf8").trim()
      return finished
    },
    /** Writes a file where the lines have led to. */
    path: (name: string) => join(cwd, name),
    /** Ends what still runs, as a person would, and by force after 20 s. */
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

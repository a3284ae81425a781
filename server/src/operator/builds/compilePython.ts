import { spawn } from "node:child_process"
import { realpath } from "node:fs/promises"
import { join } from "node:path"
import { imageHome, pythonVersionIn } from "@maxcloud/builder"
import { hostEnvironment } from "../../base/host/hostEnvironment.ts"
import { startProgram } from "../../base/host/startProgram.ts"
import type { TreeOfSource } from "./buildFolder.ts"

export interface CompileOptions {
  readonly environment: NodeJS.ProcessEnv
  readonly onLine: (line: string) => void
  readonly signal: AbortSignal
}

const limitMs = 300_000

/**
 * Compiles a Python project and its packages into the new folder `target`, since nobody can write compiled files in the image. They don't depend on times
 * or this machine's folders (PEP 552), so that equal sources have equal bytes. Python ignores them if it's another version. Returns undefined if there is
 * no virtual environment.
 */
export const compilePython = async (
  { built, root }: TreeOfSource,
  target: string,
  { environment, onLine, signal }: CompileOptions
): Promise<string | undefined> => {
  const folder = join(root, built.folder)
  const version = built.kind.startsWith("Python") ? await pythonVersionIn(folder) : undefined
  if (version === undefined) return undefined
  const python = await realpath(join(folder, ".venv/bin/python"))
  const own = ["--invalidation-mode", "unchecked-hash", "-s", root, "-p", imageHome, folder]
  onLine(`Compiling for Python ${version}`)
  const child = await startProgram(
    () =>
      spawn(python, ["-S", "-s", "-m", "compileall", "-q", "-q", "-j", "1", ...own], {
        // A module in the working folder would replace Python's own.
        cwd: "/",
        env: { ...hostEnvironment("system", environment), PYTHONHASHSEED: "0", PYTHONPYCACHEPREFIX: target },
        stdio: "ignore",
        signal: AbortSignal.any([signal, AbortSignal.timeout(limitMs)])
      }),
    { signal }
  )
  // It also fails for one file that isn't valid in this version, such as a template.
  await new Promise<void>((done) => {
    child.once("error", () => done())
    child.once("close", () => done())
  })
  signal.throwIfAborted()
  return target
}

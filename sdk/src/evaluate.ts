import { fileURLToPath, pathToFileURL } from "node:url"
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads"
import { bounds, type Location, maxSpecValues, type SpecIssue } from "@maxcloud/config-schema"
import { type Cause, Effect, Exit } from "effect"
import type { ConfigFacts } from "./configFacts.ts"
import { type EvaluationInput, evaluateProgram, type FactQuestion, type Question } from "./evaluateProgram.ts"
import { type ImportResolver, makeImportResolver } from "./imports/resolveImport.ts"

/** The result of evaluating a config for a stage. */
export type Evaluation =
  | {
      readonly _tag: "Evaluated"
      readonly spec: unknown
      readonly locations: ReadonlyArray<Location | undefined>
      /** Mistakes that the spec can't show. */
      readonly issues: ReadonlyArray<SpecIssue>
      /** The files that it is made of, as absolute paths: those of installed packages aren't among them. */
      readonly files: ReadonlyArray<string>
      /** The facts of its context that it read, besides the stage. */
      readonly facts: ReadonlyArray<FactQuestion["name"]>
    }
  | { readonly _tag: "NoDefaultExport" }
  | { readonly _tag: "NotAConfig"; readonly found: string }
  | { readonly _tag: "NotData"; readonly path: ReadonlyArray<string | number>; readonly found: string }
  | {
      readonly _tag: "Threw"
      readonly name: string
      readonly message: string
      readonly code: string
      readonly stack: string
    }
  | { readonly _tag: "Exited"; readonly code: number }
  | { readonly _tag: "TookTooLong"; readonly seconds: number }

const limitSeconds = 30

/** Answers the thread's questions. The thread blocks meanwhile, since resolving and reading are synchronous there. */
const answerQuestions = (
  port: MessagePort,
  answered: Int32Array<SharedArrayBuffer>,
  answer: (question: Question) => Promise<unknown>
) => {
  port.on("message", (question: Question) => {
    // If there is no answer, Node decides.
    void answer(question)
      .catch(() => undefined)
      .then((found) => {
        port.postMessage(found)
        Atomics.store(answered, 0, 1)
        Atomics.notify(answered, 0)
      })
  })
}

const resolved = (resolver: ImportResolver, { kind, parent, specifier }: Exclude<Question, FactQuestion>) => {
  const file = fileURLToPath(parent)
  return kind === "alias" ? resolver.alias(specifier, file) : resolver.missing(specifier, file)
}

/**
 * Runs a config in a thread of its own. Its modules are read afresh each time. It may call `process.exit` or never end without harm,
 * and its output goes to standard error.
 */
export const evaluate = <E>(
  file: string,
  stage: string,
  facts: ConfigFacts<E>,
  seconds: number = limitSeconds
): Effect.Effect<Evaluation, E> =>
  Effect.async<Evaluation, E>((resume) => {
    const { port1: own, port2: port } = new MessageChannel()
    const answered = new Int32Array(new SharedArrayBuffer(4))
    const resolver = makeImportResolver()
    const read = new Set<FactQuestion["name"]>()
    const factOf = async (name: FactQuestion["name"]): Promise<unknown> => {
      read.add(name)
      if (name === "git") return Effect.runPromise(facts.git)
      const found = await Effect.runPromiseExit(facts.server)
      if (Exit.isSuccess(found)) return found.value[name]
      failed ??= found.cause
      // Whatever the config makes of the missing fact, its result isn't used.
      end({ _tag: "Exited", code: 0 })
      return undefined
    }
    let failed: Cause.Cause<E> | undefined
    answerQuestions(own, answered, async (question) =>
      question.kind === "fact" ? factOf(question.name) : resolved(resolver, question)
    )
    const url = pathToFileURL(file).href
    // Larger values are refused for their size, even if they contain something that isn't data.
    const workerData: EvaluationInput = { url, stage, values: maxSpecValues, depth: bounds.depth, port, answered }
    const worker = new Worker(evaluateProgram, {
      eval: true,
      workerData,
      transferList: [port],
      stdout: true,
      stderr: true,
      execArgv: ["--disable-warning=ExperimentalWarning", "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON"]
    })
    worker.stdout.pipe(process.stderr, { end: false })
    worker.stderr.pipe(process.stderr, { end: false })
    const timer = setTimeout(() => end({ _tag: "TookTooLong", seconds }), seconds * 1000)
    const close = () => {
      clearTimeout(timer)
      worker.removeAllListeners()
      own.close()
      return worker.terminate()
    }
    const end = (evaluation: Evaluation) => {
      const known =
        "files" in evaluation ? { files: [...evaluation.files, ...resolver.tsconfigs], facts: [...read] } : {}
      const closed = close()
      worker.on("error", () => {})
      const cause = failed
      void closed.then(() =>
        resume(cause === undefined ? Effect.succeed({ ...evaluation, ...known }) : Effect.failCause(cause))
      )
    }
    worker.once("message", end)
    worker.once("error", (error) =>
      end({ _tag: "Threw", name: error.name, message: error.message, code: "", stack: error.stack ?? "" })
    )
    worker.once("exit", (code) => end({ _tag: "Exited", code }))
    return Effect.promise(close)
  })

import { fileURLToPath, pathToFileURL } from "node:url"
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads"
import { bounds, type Location, maxSpecValues, type SpecIssue } from "@maxcloud/config-schema"
import type { PolicyAnswer, PolicyApp, WrittenPolicy } from "@maxcloud/config-schema/authoring"
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
      /** Mistakes that the spec doesn't show. */
      readonly issues: ReadonlyArray<SpecIssue>
      readonly policies: ReadonlyArray<WrittenPolicy>
      /** The answers of the config's own policy functions. Shorter than the list of functions if one of them didn't finish. */
      readonly answers: ReadonlyArray<PolicyAnswer>
      /** The objects of its charts, if requested. */
      readonly charts: ReadonlyArray<unknown>
      /** The absolute paths of its files, without those of installed packages. */
      readonly files: ReadonlyArray<string>
      /** The facts that it read from its context, besides the stage. */
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

/** How long one of the config's own policies may take. */
const policySeconds = 5

/** The messages of a config's thread. */
type Told =
  | Exclude<Evaluation, { _tag: "Evaluated" }>
  | Omit<Extract<Evaluation, { _tag: "Evaluated" }>, "answers" | "facts">
  | { readonly _tag: "Asking"; readonly place: number }
  | { readonly _tag: "Answered"; readonly answers: ReadonlyArray<PolicyAnswer> }

/** Answers the thread's questions. The thread blocks meanwhile, because resolving and reading are synchronous there. */
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

export interface EvaluateOptions {
  readonly seconds?: number
  readonly policySeconds?: number
  /** Whether to run the config's charts. */
  readonly charts?: boolean
  /** The app for the config's own policies; undefined to skip them. */
  readonly asked?: (evaluated: Omit<Extract<Told, { _tag: "Evaluated" }>, "files">) => PolicyApp | undefined
}

/** The thread of a config. Its output goes to standard error. */
const startThread = (input: Omit<EvaluationInput, "values" | "depth">) => {
  // Larger values are refused because of their size, even if they contain something that isn't data.
  const workerData: EvaluationInput = { ...input, values: maxSpecValues, depth: bounds.depth }
  const worker = new Worker(evaluateProgram, {
    eval: true,
    workerData,
    transferList: [input.port],
    stdout: true,
    stderr: true,
    execArgv: ["--disable-warning=ExperimentalWarning", "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON"]
  })
  worker.stdout.pipe(process.stderr, { end: false })
  worker.stderr.pipe(process.stderr, { end: false })
  return worker
}

/** What a policy did that ended the thread with this code. */
const exitFault = (code: number) =>
  code === 0 || code === 13
    ? "ended without an answer: it awaits something that never comes, or exits. Make it return an answer."
    : `called process.exit(${code}). Remove the call.`

/** Answers questions about facts, and keeps their names. */
const readFacts = <E>(facts: ConfigFacts<E>, fail: (cause: Cause.Cause<E>) => void) => {
  const read = new Set<FactQuestion["name"]>()
  const factOf = async (name: FactQuestion["name"]): Promise<unknown> => {
    read.add(name)
    if (name === "git") return Effect.runPromise(facts.git)
    const found = await Effect.runPromiseExit(facts.server)
    if (Exit.isSuccess(found)) return found.value[name]
    fail(found.cause)
    return undefined
  }
  return { factOf, read }
}

/**
 * Runs a config in its own thread, and rereads its modules each time. If it calls `process.exit` or never finishes, that does no harm. Its
 * output goes to standard error.
 */
export const evaluate = <E>(
  file: string,
  stage: string,
  facts: ConfigFacts<E>,
  {
    asked = () => undefined,
    charts = false,
    policySeconds: secondsOfPolicy = policySeconds,
    seconds = limitSeconds
  }: EvaluateOptions = {}
): Effect.Effect<Evaluation, E> =>
  Effect.async<Evaluation, E>((resume) => {
    const { port1: own, port2: port } = new MessageChannel()
    const answered = new Int32Array(new SharedArrayBuffer(4))
    const resolver = makeImportResolver()
    let failed: Cause.Cause<E> | undefined
    const { factOf, read } = readFacts(facts, (cause) => {
      failed ??= cause
      // The result isn't used, whatever the config does about the missing fact.
      end({ _tag: "Exited", code: 0 })
    })
    answerQuestions(own, answered, async (question) =>
      question.kind === "fact" ? factOf(question.name) : resolved(resolver, question)
    )
    const worker = startThread({ url: pathToFileURL(file).href, stage, charts, port, answered })
    let timer = setTimeout(() => end({ _tag: "TookTooLong", seconds }), seconds * 1000)
    /** The evaluated config, set when its policies run. */
    let waiting: Extract<Told, { _tag: "Evaluated" }> | undefined
    /** How many policies finished before the running one. */
    let place = 0
    const settle = (answers: ReadonlyArray<PolicyAnswer>) => {
      if (waiting !== undefined) end({ ...waiting, answers, facts: [] })
    }
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
    /** A policy ended the thread, or was stopped with it. The answers of the previous ones are lost too, so report only this fault. */
    const broken = (fault: string) => settle([...Array.from({ length: place }, () => ({ problems: [] })), { fault }])
    const wait = () => {
      clearTimeout(timer)
      timer = setTimeout(
        () => broken(`didn't finish within ${secondsOfPolicy} s: it loops, or waits for something that never comes.`),
        secondsOfPolicy * 1000
      )
    }
    worker.on("message", (told: Told) => {
      if (told._tag === "Answered") return settle(told.answers)
      if (told._tag === "Asking") {
        place = told.place
        return wait()
      }
      if (told._tag !== "Evaluated") return end(told)
      const app = asked(told)
      if (app === undefined) return end({ ...told, answers: [], facts: [] })
      waiting = told
      wait()
      worker.postMessage(app)
    })
    worker.once("error", (error) =>
      waiting === undefined
        ? end({ _tag: "Threw", name: error.name, message: error.message, code: "", stack: error.stack ?? "" })
        : broken(`threw ${error.name}: ${error.message}. Fix the function.`)
    )
    worker.once("exit", (code) => (waiting === undefined ? end({ _tag: "Exited", code }) : broken(exitFault(code))))
    return Effect.promise(close)
  })

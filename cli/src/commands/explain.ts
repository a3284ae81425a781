import type { Explanation, ExplanationLanguage } from "@maxcloud/sdk/effect"
import { Effect } from "effect"
import { optional, text } from "../args/flags.ts"
import { suggest } from "../args/suggest.ts"
import { loadSdk } from "../client.ts"
import { command, flags, positionals } from "../command.ts"
import { UsageError } from "../errors/failure.ts"
import { systemLanguage } from "../output/language.ts"
import { type Terminal, table } from "../output/terminal.ts"

const words = {
  en: { causes: "Causes", steps: "What to do" },
  de: { causes: "Woran es liegt", steps: "Was zu tun ist" }
} as const satisfies Record<ExplanationLanguage, unknown>

/** `--lang`, else MAXCLOUD_LANG, else the system's language (POSIX: LC_ALL before LC_MESSAGES before LANG). Anything but German means English. */
const languageOf = (
  flag: string | undefined,
  env: Readonly<Record<string, string | undefined>>
): Effect.Effect<ExplanationLanguage, UsageError> => {
  const chosen = flag ?? (env["MAXCLOUD_LANG"] || undefined)
  if (chosen === "de" || chosen === "en") return Effect.succeed(chosen)
  if (chosen !== undefined) {
    return new UsageError({
      message: `no explanations in language "${chosen}"`,
      fix: `write ${flag === undefined ? "MAXCLOUD_LANG=" : "--lang "}en or de`
    })
  }
  return Effect.succeed(systemLanguage(env))
}

const lines = (explanation: Explanation, language: ExplanationLanguage, terminal: Terminal): ReadonlyArray<string> => [
  `${terminal.paint("bold", explanation.code)}: ${explanation.title}`,
  "",
  explanation.meaning,
  "",
  terminal.paint("bold", words[language].causes),
  ...explanation.causes.map((cause) => `  - ${cause}`),
  "",
  terminal.paint("bold", words[language].steps),
  ...explanation.steps.map((step, index) => `  ${index + 1}. ${step}`)
]

export default command({
  summary: "Explain the code of a diagnosis, offline",
  offline: true,
  examples: [
    { line: "maxcloud explain", does: "List all codes that a diagnosis may have" },
    { line: "maxcloud explain WrongPort", does: "Show its meaning, causes and fixes" },
    { line: "maxcloud explain RevisionMissing", does: "Explain a reason that `describe` prints" },
    { line: "maxcloud explain OutOfMemory --lang de", does: "In German" }
  ],
  notes: [
    "Offline. Codes are stable: scripts may rely on them. Reasons of conditions and revisions, as `describe` prints them, are explained too."
  ],
  flags: flags({
    lang: text("lang", "LANG", { description: "en or de (MAXCLOUD_LANG) [the system's: LC_ALL, LC_MESSAGES, LANG]" })
  }),
  positionals: positionals({ code: optional("CODE", "The code of a diagnosis, such as CrashOnStart, or a reason") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const language = yield* languageOf(input.lang, process.env)
      const { diagnosisCodes, explain, explainReason, findDiagnosisCode } = yield* loadSdk
      if (input.code === undefined) {
        const all = diagnosisCodes.map((diagnosisCode) => explain(diagnosisCode, language))
        if (terminal.json) return terminal.printJson({ language, explanations: all })
        for (const line of table(all.map((each) => [terminal.paint("bold", each.code), each.title])))
          terminal.print(line)
        return
      }
      const code = findDiagnosisCode(input.code)
      const reason = explainReason(input.code, language)
      if (code === undefined && reason !== undefined) {
        if (terminal.json) return terminal.printJson({ language, ...reason })
        return terminal.print(`${terminal.paint("bold", reason.reason)}: ${reason.meaning}`)
      }
      if (code === undefined) {
        const near = suggest(
          input.code.toLowerCase(),
          diagnosisCodes.map((diagnosisCode) => diagnosisCode.toLowerCase())
        )
        const meant = diagnosisCodes.find((diagnosisCode) => diagnosisCode.toLowerCase() === near)
        return yield* new UsageError({
          message: `unknown code "${input.code}"`,
          fix: meant === undefined ? "`maxcloud explain` lists them" : `did you mean \`maxcloud explain ${meant}\`?`
        })
      }
      const explanation = explain(code, language)
      if (terminal.json) terminal.printJson({ language, ...explanation })
      else for (const line of lines(explanation, language, terminal)) terminal.print(line)
    })
})

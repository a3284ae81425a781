import {
  diagnosisCodes,
  type ExplanationLanguage,
  explain,
  explainReason,
  statusReasons
} from "../src/diagnosis/index.ts"

const words: Readonly<
  Record<
    ExplanationLanguage,
    {
      readonly title: string
      readonly intro: string
      readonly causes: string
      readonly steps: string
      readonly reasons: string
      readonly aboutReasons: string
    }
  >
> = {
  en: {
    title: "Diagnoses",
    intro:
      "Why a service doesn't run, as a stable code. `maxcloud explain CODE` prints the same; with `--lang de` in German\n([diagnoses.de.md](diagnoses.de.md)).",
    causes: "Usual causes",
    steps: "What to do",
    reasons: "Reasons",
    aboutReasons:
      "The state of a service, revision or deployment, as `describe` and `deploy` print it. `maxcloud explain REASON` prints the same."
  },
  de: {
    title: "Diagnosen",
    intro:
      "Gründe, aus denen ein Dienst nicht läuft, mit stabilen Codes. `maxcloud explain CODE --lang de` gibt dasselbe aus; ohne `--lang` auf Englisch\n([diagnoses.md](diagnoses.md)).",
    causes: "Häufige Ursachen",
    steps: "Was zu tun ist",
    reasons: "Gründe",
    aboutReasons:
      "Der Zustand eines Dienstes, einer Revision oder eines Deployments, wie ihn `describe` und `deploy` ausgeben. `maxcloud explain REASON` gibt dasselbe aus."
  }
}

/** `docs/reference/diagnoses.md` and `diagnoses.de.md`: what each code means. */
export const diagnosisPage = (language: ExplanationLanguage): string => {
  const { aboutReasons, causes, intro, reasons, steps, title } = words[language]
  return [
    "<!-- Written by `npm run generate` from sdk/src/diagnosis: change it there. -->",
    "",
    `# ${title}`,
    "",
    intro,
    "",
    ...diagnosisCodes.flatMap((code) => {
      const text = explain(code, language)
      return [
        `## ${code}`,
        "",
        `**${text.title}.** ${text.meaning}`,
        "",
        `${causes}:`,
        "",
        ...text.causes.map((cause) => `- ${cause}`),
        "",
        `${steps}:`,
        "",
        ...text.steps.map((step, index) => `${index + 1}. ${step}`),
        ""
      ]
    }),
    `## ${reasons}`,
    "",
    aboutReasons,
    "",
    ...statusReasons.map((reason) => `- **${reason}**: ${explainReason(reason, language)?.meaning}`),
    ""
  ].join("\n")
}

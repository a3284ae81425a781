import { HttpLayerRouter, HttpServerRequest } from "@effect/platform"
import { codeOf, type ProblemTag, problemPath, problemTable } from "@maxcloud/sdk/errors"
import { Effect } from "effect"
import { type Language, languageOf } from "../../base/pages/acceptLanguage.ts"
import { escapeHtml } from "../../base/pages/escapeHtml.ts"
import { htmlPage } from "../../base/pages/htmlPage.ts"
import { nothingAt } from "../http/problems.ts"
import { page, pathOf } from "../http/routeTable.ts"
import { problemTextOf } from "./problemTexts.ts"
import { paragraph } from "./Visit.ts"

const isTag = (name: string): name is ProblemTag => Object.hasOwn(problemTable, name)
const tags = Object.keys(problemTable).filter(isTag)
const byPath = new Map(tags.map((tag) => [problemPath(tag), tag]))

const words = {
  en: { all: "Problems", intro: "The errors that this server returns, by `code`.", more: "All problems" },
  de: { all: "Fehler", intro: "Die Fehler, mit denen dieser Server antwortet, nach ihrem `code`.", more: "Alle Fehler" }
} as const satisfies Readonly<Record<Language, unknown>>

const shown = (language: Language, title: string, body: string) =>
  htmlPage(`${title} · max-cloud`, `<h1>${escapeHtml(title)}</h1>${body}`, {
    language,
    headers: { "content-language": language, vary: "accept-language", "cache-control": "public, max-age=3600" }
  })

const facts = (tag: ProblemTag) => paragraph(`\`${codeOf(tag)}\` · HTTP ${problemTable[tag].status}`, "soft")

const onePage = (tag: ProblemTag, language: Language) => {
  const { meaning, title } = problemTextOf(tag, language)
  const all = `<p><a href="${page.problems}">${escapeHtml(words[language].more)}</a></p>`
  return shown(language, title, `${facts(tag)}${paragraph(meaning)}${all}`)
}

const listPage = (language: Language) => {
  const { all, intro } = words[language]
  const rows = tags.map((tag) => {
    const { meaning, title } = problemTextOf(tag, language)
    return `<h2><a href="${problemPath(tag)}">${escapeHtml(title)}</a></h2>${facts(tag)}${paragraph(meaning)}`
  })
  return shown(language, all, `${paragraph(intro)}${rows.join("")}`)
}

const language = Effect.map(HttpServerRequest.HttpServerRequest, ({ headers }) =>
  languageOf(headers["accept-language"])
)

/** The pages that the `type` of a problem document links to. */
export const problemPages = HttpLayerRouter.addAll([
  HttpLayerRouter.route("GET", page.problems, Effect.map(language, listPage)),
  HttpLayerRouter.route(
    "GET",
    page.problem,
    Effect.gen(function* () {
      const path = pathOf((yield* HttpServerRequest.HttpServerRequest).url)
      const tag = byPath.get(path)
      return tag === undefined ? yield* nothingAt(path) : onePage(tag, yield* language)
    })
  )
])

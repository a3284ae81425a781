import { escapeHtml } from "../../../base/pages/escapeHtml.ts"
import type { openApi, Parameter } from "../openapi/openApi.ts"
import { resolved } from "../openapi/resolved.ts"

type Document = ReturnType<typeof openApi>

const json = (value: unknown) => `<pre>${escapeHtml(JSON.stringify(value, null, 2))}</pre>`

/** Formats back-quoted words as code. */
const prose = (text: string) => escapeHtml(text).replace(/`([^`]+)`/g, "<code>$1</code>")

const nameOf = (schema: unknown): string | undefined =>
  typeof schema === "object" && schema !== null && "$ref" in schema && typeof schema.$ref === "string"
    ? schema.$ref.split("/").at(-1)
    : undefined

const schemaHtml = (schema: unknown) => {
  const name = nameOf(schema)
  return name === undefined
    ? `<details><summary>Schema</summary>${json(schema)}</details>`
    : `<a href="#schema-${escapeHtml(name)}"><code>${escapeHtml(name)}</code></a>`
}

const contentHtml = (content: Readonly<Record<string, { readonly schema: unknown }>> | undefined) =>
  Object.entries(content ?? {})
    .map(([type, { schema }]) => `<code>${escapeHtml(type)}</code> ${schemaHtml(schema)}`)
    .join("<br>")

const parametersHtml = (parameters: ReadonlyArray<Parameter>) =>
  parameters.length === 0
    ? ""
    : `<table><tr><th>Parameter</th><th>In</th><th>Form</th></tr>${parameters
        .map(
          (parameter) =>
            `<tr><td><code>${escapeHtml(parameter.name)}</code>${parameter.required ? "" : ' <span class="soft">optional</span>'}</td><td>${escapeHtml(parameter.in)}</td><td>${parameter.description === undefined ? schemaHtml(parameter.schema) : prose(parameter.description)}</td></tr>`
        )
        .join("")}</table>`

/** The API reference as an HTML page, generated from the OpenAPI document. */
export const docsPage = (document: Document): string => {
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ method, path, operation }))
  )
  return [
    `<h1>${escapeHtml(document.info.title)}</h1><p>${prose(document.info.description ?? "")} The same as a document for machines: <a href="/api/openapi.json">openapi.json</a>.</p>`,
    `<nav>${document.tags.map(({ name }) => `<a href="#${escapeHtml(name)}">${escapeHtml(name)}</a>`).join("")}<a href="#schemas">schemas</a></nav>`,
    ...document.tags.map(
      ({ description = "", name: tag }) =>
        `<h2 id="${escapeHtml(tag)}">${escapeHtml(tag)}</h2><p>${prose(description)}</p>${operations
          .filter((operation) => operation.operation.tags.includes(tag))
          .map(
            ({ method, operation, path }) =>
              `<article id="${escapeHtml(operation.operationId)}"><header><span class="method">${escapeHtml(method)}</span><code>${escapeHtml(path)}</code><h3>${prose(operation.summary ?? "")}</h3></header><div>${prose(operation.description ?? "")}</div><div>${parametersHtml(operation.parameters)}${operation.requestBody === undefined ? "" : `<p>Body: ${contentHtml(operation.requestBody.content)}</p>`}<table><tr><th>Status</th><th>Meaning</th><th>Body</th></tr>${Object.entries(
                operation.responses
              )
                .map(([status, found]) => [status, resolved(document, found)] as const)
                .map(
                  ([status, response]) =>
                    `<tr><td>${escapeHtml(status)}</td><td>${prose(response.description)}</td><td>${contentHtml(response.content)}</td></tr>`
                )
                .join("")}</table></div></article>`
          )
          .join("")}`
    ),
    `<h2 id="schemas">schemas</h2>${Object.entries(document.components.schemas)
      .map(
        ([name, schema]) =>
          `<article id="schema-${escapeHtml(name)}"><header><h3><code>${escapeHtml(name)}</code></h3></header><div>${json(schema)}</div></article>`
      )
      .join("")}`
  ].join("\n")
}

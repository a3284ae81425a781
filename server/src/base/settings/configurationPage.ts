import { settings } from "./ServerConfig.ts"

const cell = (text: string) => text.replace(/\|/g, "\\|")
const code = (text: string) => (text.includes(" ") || text.includes("`") ? text : `\`${text}\``)

const textOf = ({ forgotten, text }: (typeof settings)[keyof typeof settings]) =>
  forgotten ? `${text} Programs that the server starts don't inherit it.` : text

/** `docs/reference/configuration.md`: every setting of the server, from the record that reads them. */
export const configurationPage = (): string =>
  [
    "# Configuration of the server",
    "",
    "Environment variables set the configuration; a flag of `maxcloud server` or an option of `embedded()` takes precedence.",
    "Generated from the settings by `npm run generate`.",
    "",
    "| variable | default | what it sets |",
    "|---|---|---|",
    ...Object.values(settings).map(
      (setting) => `| \`${setting.name}\` | ${cell(code(setting.default))} | ${cell(textOf(setting))} |`
    ),
    ""
  ].join("\n")

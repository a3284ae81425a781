import { ParseResult, Schema } from "effect"

/**
 * Refuses a list that names something twice, at both places. `list`: what a reader calls it; `name`: the field of an item that is its name,
 * if the item isn't the name itself. The message quotes the name alone, so it may stand in a list of secrets.
 */
export const namedOnce = <A extends string | { readonly name: string }, I>(
  list: string,
  schema: Schema.Schema<ReadonlyArray<A>, ReadonlyArray<I>>
) =>
  schema.pipe(
    Schema.filter(
      (items) => {
        const places = Map.groupBy(items.keys(), (index) => nameOf(items[index]))
        return [...places].flatMap(([name, at]) => {
          const [first, second] = at
          if (first === undefined || second === undefined) return []
          const detail = `"${name}" is there twice: ${list}[${first}] and ${list}[${second}]. Remove one of them.`
          return [first, second].map((index) => {
            // Of a text's type, which holds no secret: an issue of the list's own type would lose its message.
            const issue = new ParseResult.Type(Schema.String.ast, name, detail)
            return new ParseResult.Pointer(typeof items[index] === "string" ? [index] : [index, "name"], items, issue)
          })
        })
      },
      // Random lists nearly always repeat a name: a filter would search forever for one that does not.
      {
        arbitrary: (made) => (fc) =>
          made(fc).map((items) => [...new Map(items.map((item) => [nameOf(item), item])).values()])
      }
    )
  )

const nameOf = (item: string | { readonly name: string } | undefined) =>
  typeof item === "object" ? item.name : (item ?? "")

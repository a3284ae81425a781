import { quoted, textUpTo } from "@maxcloud/config-schema"
import { Schema } from "effect"
import { integerText } from "./numberText.ts"

/** The field of a sort: `createdAt` of `-createdAt`. */
type FieldOf<Sort extends string> = Sort extends `-${infer Field}` ? Field : Sort

/** How a list may be sorted: by a field, or with `-` in front from its greatest value to its least. */
export type SortOf<Sort extends string> = FieldOf<Sort> | `-${FieldOf<Sort>}`

/** How many items an answer has if a request doesn't say. */
export const usualLimit = 100

/** One page of a list, as asked for. */
export interface Paging<Sort extends string = string> {
  readonly limit: number
  readonly sort: Sort
  /** Where the page before ended. */
  readonly cursor: string | undefined
}

/** One page of a list. `next`: the cursor of the page after it; null for the last one. */
export interface Page<A> {
  readonly items: ReadonlyArray<A>
  readonly next: string | null
}

const sortsOf = (sorts: ReadonlyArray<string>) =>
  sorts.flatMap((sort) => (sort.startsWith("-") ? [sort, sort.slice(1)] : [sort, `-${sort}`]))

/**
 * A list of the API: the array that it answers with, and the query parameters that every list takes, besides its own `filters`. The first of
 * `sorts` is the default. `most`: the largest `limit`.
 */
export const listOf = <A, I, const Sort extends string, Filters extends Schema.Struct.Fields>(
  item: Schema.Schema<A, I>,
  {
    filters,
    most = 1000,
    name,
    sorts
  }: {
    /** Cursors of other lists are refused. */
    readonly name: string
    readonly sorts: readonly [Sort, ...ReadonlyArray<Sort>]
    readonly filters: Filters
    readonly most?: number
  }
) => {
  const known = sortsOf(sorts)
  const isSort = (text: string): text is SortOf<Sort> => known.includes(text)
  const [usual] = known
  const usualSort = (): SortOf<Sort> => {
    if (usual === undefined || !isSort(usual)) throw new Error(`The list ${name} has no sort.`)
    return usual
  }
  const parameters = Schema.Struct({
    limit: Schema.optional(integerText(1, most)).annotations({
      description: `How many items to answer with, up to ${most}. Default: ${Math.min(usualLimit, most)}.`
    }),
    cursor: Schema.optional(textUpTo(4000, "The cursor")).annotations({
      description: "Where the page before ended. Take it from the address in its `Link` header; don't make one."
    }),
    sort: Schema.optional(
      Schema.String.pipe(
        Schema.filter(isSort, {
          message: ({ actual }) => `${quoted(actual)} isn't a sort of this list. Use ${known.join(", ")}.`,
          jsonSchema: { enum: known }
        })
      )
    ).annotations({ description: `The order. With "-" it's from the greatest to the least. Default: ${usual}.` }),
    ...filters
  })
  return {
    name,
    most,
    parameters,
    answer: Schema.Array(item),
    /** What a request asks for, with the defaults. */
    pagingOf: (asked: {
      readonly limit?: number | undefined
      readonly sort?: SortOf<Sort> | undefined
      readonly cursor?: string | undefined
    }): Paging<SortOf<Sort>> => ({
      limit: asked.limit ?? Math.min(usualLimit, most),
      sort: asked.sort ?? usualSort(),
      cursor: asked.cursor
    })
  }
}

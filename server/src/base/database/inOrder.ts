/** Sorts tables so that each comes after all those that it `needs`. Unknown names in `needs` are ignored. */
export const inOrder = <Table extends { readonly name: string; readonly needs: ReadonlyArray<string> }>(
  tables: ReadonlyArray<Table>
): ReadonlyArray<Table> => {
  const ordered: Array<Table> = []
  let rest = tables
  while (rest.length > 0) {
    const waiting = new Set(rest.map((each) => each.name))
    const ready = rest.filter(({ name, needs }) => !needs.some((needed) => needed !== name && waiting.has(needed)))
    if (ready.length === 0) throw new Error(`the tables ${[...waiting].join(", ")} reference each other`)
    ordered.push(...ready)
    rest = rest.filter((value) => !ready.includes(value))
  }
  return ordered
}

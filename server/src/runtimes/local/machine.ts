/** The result of a reducer: the new state, and the effects to run. */
export interface Next<State, Effect> {
  readonly state: State
  readonly effects: ReadonlyArray<Effect>
}

export interface Machine<State, Event> {
  readonly state: () => State
  /** Handles events in order. When it returns, they and the events from their effects have been handled. */
  readonly dispatch: (...events: ReadonlyArray<Event>) => void
}

/**
 * Runs a reducer. Each event is handled completely, including its effects, before the next one: an event that arrives while
 * effects run waits for them, so no effect ever sees a half-changed state.
 */
export const runMachine = <State, Event, Effect>(
  initial: State,
  step: (state: State, event: Event) => Next<State, Effect>,
  run: (effect: Effect) => void
): Machine<State, Event> => {
  const queue: Array<Event> = []
  let state = initial
  let isRunning = false

  const handle = (event: Event) => {
    const next = step(state, event)
    state = next.state
    for (const effect of next.effects) run(effect)
  }

  return {
    state: () => state,
    dispatch: (...events) => {
      queue.push(...events)
      if (isRunning) return
      isRunning = true
      try {
        for (let event = queue.shift(); event !== undefined; event = queue.shift()) handle(event)
      } finally {
        isRunning = false
      }
    }
  }
}

/** A part of a reducer: one thing that happens. */
export type Move<State, World, Effect> = (state: State, world: World) => Next<State, Effect>

/** Combines moves; each sees the state that the previous one left. */
export const inOrder =
  <State, World, Effect>(...moves: ReadonlyArray<Move<State, World, Effect>>): Move<State, World, Effect> =>
  (state, world) =>
    moves.reduce<Next<State, Effect>>(
      (before, move) => {
        const next = move(before.state, world)
        return { state: next.state, effects: [...before.effects, ...next.effects] }
      },
      { state, effects: [] }
    )

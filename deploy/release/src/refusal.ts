/** Why there is no release: a person has to change something first. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}

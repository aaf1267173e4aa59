export type { ParsedTemplate, PlacedParameter, TemplateLanguage } from './parse-template.js';
export { parseTemplate } from './parse-template.js';
export type { ParameterUse, PlaceContext } from './placement.js';
export type { ParameterValue } from './render-template.js';
export { renderTemplate } from './render-template.js';
export { TemplateError } from './template-error.js';

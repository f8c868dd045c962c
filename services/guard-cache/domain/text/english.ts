const set = (words: string): ReadonlySet<string> => new Set(words.split(' '));

// Words that hardly another language writes like this.
const onlyEnglish = set(
  'the into convert translate summarize tell give show what how why who when where which does did are and with this that my your can should would could please write explain you there from have than whether because',
);

export const isEnglishWord = (text: string): boolean => onlyEnglish.has(text);

export const questionWords = set('what who whom whose which when where why how');
export const copulas = set('is are was were');
export const auxiliaries = set(
  'is are was were am do did has have had can could will would shall should may might must',
);
export const pronouns = set('i you he she it we they');
const personalWords = set(
  'i me my mine myself you your yours yourself yourselves he him his himself she her hers herself it its itself we us our ours ourselves they them their theirs themselves one',
);
export const prepositions = set(
  'in on at for with without using from to of under during about by before after between into over',
);
const articles = set('a an the');
// Negation in the languages that are asked most; the words of any other language are compared like all its words.
export const negations = set(
  'not no never none nobody nothing nowhere neither nor without cannot nicht kein keine keinen nie niemals ohne ne pas jamais sans nunca sin não nem sem non mai senza niet geen nooit zonder не нет ни без никогда nie brak bez',
);
// What carries no content of its own; weighs little in an embedding.
export const functionWords: ReadonlySet<string> = new Set([
  ...questionWords,
  ...auxiliaries,
  ...prepositions,
  ...articles,
  ...personalWords,
  ...set('and or but if than that this these those there as so be been'),
]);

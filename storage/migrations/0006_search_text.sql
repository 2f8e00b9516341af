-- no transaction
-- Text for search and sort order, as in 0001, and also: the same in both normal forms, in every script (NFKC), and without
-- what is not seen or is left out in everyday writing: soft hyphens, joiners, marks of direction, variants of emoji, and the
-- vowel points of Hebrew and Arabic. Names of the characters of the first expression do not change by that.
-- The function keeps its name, because the generated columns call it; a new one would rewrite the table under an exclusive
-- lock. The previous program finds more with it, too.
create or replace function folded(words text) returns text language sql immutable parallel safe strict
  return ' ' || lower(public.unaccent('public.unaccent'::regdictionary,
    case when words ~ '^[ -~\u00A1-\u00A7\u00A9\u00AB\u00AC\u00AE\u00B0\u00B1\u00B6\u00B7\u00BB\u00BF-\u0131\u0134-\u013E\u0141-\u0148\u014A-\u017E]*$'
         then words
         else regexp_replace(normalize(words, NFKC), '[\u00AD\u034F\u0591-\u05BD\u05BF\u05C1\u05C2\u05C4\u05C5\u05C7\u0610-\u061A'
           '\u061C\u0640\u064B-\u065F\u0670\u180B-\u180F\u200B-\u200F\u202A-\u202E\u2060-\u206F\uFE00-\uFE0F\uFEFF]', '', 'g') end));

-- The stored texts of such names are computed again; the others are the same.
update products set name = name
 where sort_name <> folded(name)
    or search <> folded(name || coalesce(' ' || brand, '') || coalesce(' ' || category, ''));
update product_groups set name = name where sort_name <> folded(name);

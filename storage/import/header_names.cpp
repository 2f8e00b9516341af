#include "storage/import/header_names.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include "storage/model/number.hpp"
#include "storage/model/text.hpp"

namespace codasync::storage {
namespace {

using Kind = HeaderMeaning::Kind;

struct Line {
  Kind kind;
  ImportField field;
  std::string_view names;  // with `|` between them, the preferred first
};

constexpr auto kGtin = ImportField::gtin;
constexpr auto kName = ImportField::name;
constexpr auto kBrand = ImportField::brand;
constexpr auto kCategory = ImportField::category;
constexpr auto kShop = ImportField::shop;
constexpr auto kDate = ImportField::expiry_date;
constexpr auto kDateKind = ImportField::date_kind;
constexpr auto kQuantity = ImportField::quantity;
constexpr auto kKind = ImportField::kind;
constexpr auto kObservedAt = ImportField::observed_at;

// To support another system, add a line. Case, accents, blanks and punctuation do not count. A name
// that ends in `*` matches with one more word after it, such as a language or a place. Of several
// columns for one field, the one whose name comes first here is preferred.
// clang-format off
constexpr Line kLines[] = {
    // GTIN
    {Kind::field, kGtin, "gtin|gtin 14|gtin 13|gtin 12|gtin 8|gtin upc|gtin code|gtin number|gtin nr|gtin/ean"},
    {Kind::field, kGtin, "ean/gtin"},
    {Kind::field, kGtin, "ean|ean 13|ean 8|ean 14|ean code|ean number|ean nr|ean upc|ean/upc|upc/ean"},
    {Kind::field, kGtin, "ean barcode|ean13 code"},
    {Kind::field, kGtin, "upc|upc a|upc 12|upc code|upc number|upc barcode"},
    {Kind::field, kGtin, "barcode|bar code|barcodes|bar codes|barcode number|item barcode|product barcode"},
    {Kind::field, kGtin, "scan code|jan|jan code|raw gtin"},
    {Kind::field, kGtin, "isbn|isbn 13|product barcodes|ean11"},
    {Kind::field, kGtin, "GTIN, UPC, EAN, or ISBN|GTIN, UPC, EAN or ISBN|Meta: _global_unique_id"},  // WooCommerce
    {Kind::field, kGtin, "global unique id"},
    {Kind::field, kGtin, "GTIN, UPC, EAN oder ISBN|GTIN, UPC, EAN ou ISBN|GTIN, UPC, EAN o ISBN"},
    {Kind::field, kGtin, "GTIN, UPC, EAN of ISBN|GTIN, UPC, EAN lub ISBN"},
    {Kind::field, kGtin, "EAN-13 or JAN barcode"},  // PrestaShop
    {Kind::field, kGtin, "Variant Barcode"},  // Shopify
    {Kind::field, kGtin, "Strichcode|Barcodenummer|EAN-Nummer|EAN-Nr.|GTIN-Nummer|Artikel-EAN|EAN Artikel"},  // de
    {Kind::field, kGtin, "Code-barres|Code barre|Code barres|Codes-barres|Code EAN|Code GTIN|Gencod|Gencode"},  // fr
    {Kind::field, kGtin, "Código de barras|Codigo EAN|Cod. barras|Código GTIN|Codigos de barras"},  // es, pt
    {Kind::field, kGtin, "Codice a barre|Codice EAN|Codice barre|Cod. EAN|Codici a barre"},  // it
    {Kind::field, kGtin, "Streepjescode|EAN-code|Barcode nummer|GTIN-code"},  // nl
    {Kind::field, kGtin, "Cód. barras|EAN/GTIN|Cód. de barras"},  // pt
    {Kind::field, kGtin, "Kod kreskowy|Kod EAN|Kod paskowy|Kod GTIN"},  // pl
    {Kind::maybe_gtin, kGtin, "code|codes|kode|codigo|codice|kod|product code|item code|product id code"},

    // Name. A short name first, then descriptions.
    {Kind::field, kName, "product name|name|raw name|product title|title|item name|article name|product label"},
    {Kind::field, kName, "label|part name|product name en|part detail name|material description|maktx"},
    {Kind::field, kName, "Produktname|Artikelname|Bezeichnung|Artikelbezeichnung|Produktbezeichnung"},  // de
    {Kind::field, kName, "Artikeltext|Warenbezeichnung|Kurzbezeichnung|Bezeichnung 1|Kurztext|Titel"},
    {Kind::field, kName, "Nom|Nom du produit|Nom produit|Libellé|Libellé produit|Libellé article|Désignation"},  // fr
    {Kind::field, kName, "Désignation article|Titre|Intitulé"},
    {Kind::field, kName, "Nombre|Nombre del producto|Nombre producto|Nombre de producto|Denominación"},  // es
    {Kind::field, kName, "Nombre del artículo|Título"},
    {Kind::field, kName, "Nome|Nome prodotto|Nome del prodotto|Denominazione|Nome articolo|Titolo"},  // it
    {Kind::field, kName, "Naam|Productnaam|Artikelnaam|Benaming|Productomschrijving|Artikelomschrijving"},  // nl
    {Kind::field, kName, "Nome do produto|Nome produto|Designação|Denominação"},  // pt
    {Kind::field, kName, "Nazwa|Nazwa produktu|Nazwa towaru|Nazwa artykułu|Tytuł"},  // pl
    {Kind::field, kName, "product name *"},  // Open Food Facts: a column for each language
    {Kind::field, kName, "description|product description|item description|article description"},
    {Kind::field, kName, "short description|long description|desc|descr"},
    {Kind::field, kName, "Beschreibung|Produktbeschreibung|Artikelbeschreibung|Description du produit"},
    {Kind::field, kName, "Descriptif|Descripción|Descripción del producto|Descripción del artículo|Descrizione"},
    {Kind::field, kName, "Descrizione prodotto|Descrizione articolo|Omschrijving|Beschrijving|Descrição"},
    {Kind::field, kName, "Descrição do produto|Opis|Opis produktu"},
    {Kind::field, kName, "Kurzbeschreibung|Description courte|Descripción corta|Descrizione breve|Breve descrizione"},
    {Kind::field, kName, "Korte beschrijving|Descrição curta|Krótki opis"},
    {Kind::field, kName, "generic name|generic name *|abbreviated product name *"},
    {Kind::maybe_name, kName, "product|item|article|artikel|produkt|producto|articulo|prodotto|articolo|produto"},
    {Kind::maybe_name, kName, "artigo|produit|towar|part|material|ware"},

    // Brand
    {Kind::field, kBrand, "brand|brands|raw brand|brand name|brand owner|manufacturer|manufacturer name"},
    {Kind::field, kBrand, "product brand|vendor|make"},
    {Kind::field, kBrand, "Marke|Markenname|Hersteller|Herstellername|Marque|Fabricant|Marca|Fabricante|Marchio"},
    {Kind::field, kBrand, "Produttore|Merk|Fabrikant|Merknaam|Marka|Producent|Marken|Marques|Marcas|Marchi|Merken|Marki"},

    // Category
    {Kind::field, kCategory, "category|categories|product category|product categories|branded food category"},
    {Kind::field, kCategory, "category name|main category|main category *|product type|product group"},
    {Kind::field, kCategory, "product group name|category path|department|reporting category|part category"},
    {Kind::field, kCategory, "item group|material group|product family"},
    {Kind::field, kCategory, "Kategorie|Kategorien|Warengruppe|Produktgruppe|Artikelgruppe|Produktkategorie"},
    {Kind::field, kCategory, "Catégorie|Catégories|Famille|Rayon|Famille de produits|Categoría|Categorías|Familia"},
    {Kind::field, kCategory, "Categoria|Categorias|Categorie|Categorieën|Reparto|Famiglia|Productgroep|Artikelgroep|Productcategorie"},
    {Kind::field, kCategory, "Rubriek|Kategoria|Kategorie produktu|Grupa towarowa|Grupa|Departamento"},

    // Shop
    {Kind::field, kShop, "shop|shop id|store|store id|shop number|store number|shop no|store no|branch"},
    {Kind::field, kShop, "branch id|outlet|outlet id"},
    {Kind::field, kShop, "store name|shop name"},
    {Kind::maybe_shop, kShop, "location|location name|location id|location detail name|site|site id|warehouse"},
    {Kind::maybe_shop, kShop, "facility|Standort|Magazyn"},
    {Kind::field, kShop, "Filiale|Filialnummer|Filial-Nr.|Markt|Marktnummer|Laden|Geschäft|Magasin"},
    {Kind::field, kShop, "Point de vente|Code magasin|Tienda|Sucursal|Local|Negozio|Punto vendita|Filiaal"},
    {Kind::field, kShop, "Winkel|Filiaalnummer|Loja|Filial|Sklep|Oddział"},

    // Expiry date
    {Kind::field, kDate, "expiry date|expiration date|expiry|expiration|expires|expires on|expires at|exp date"},
    {Kind::field, kDate, "exp|expire date|date of expiry|expdate|expiry dt"},
    {Kind::field, kDate, "best before date|best before|best before end|bb date|bbd|bbe|use by|use by date"},
    {Kind::field, kDate, "sell by|sell by date|best by|best by date|due date|shelf life expiration date|sled"},
    {Kind::field, kDate, "sled bbd|valid until|lot expiration date|lot expiry date|batch expiry date"},
    {Kind::field, kDate, "stock expiry date|removal date"},
    {Kind::field, kDate, "next due date|next expiry date|best if used by|best if used before|use before|vfdat"},
    {Kind::field, kDate, "batch expiry|batch expiration date|lot/serial number/expiration date"},
    {Kind::field, kDate, "MHD|MHD-Datum|Mindesthaltbarkeitsdatum|Mindesthaltbarkeit|Haltbar bis"},  // de
    {Kind::field, kDate, "Haltbarkeitsdatum|Haltbarkeit|Ablaufdatum|Verfallsdatum|Verfalldatum|Verfall"},
    {Kind::field, kDate, "Verbrauchsdatum|Zu verbrauchen bis|Mindestens haltbar bis"},
    {Kind::field, kDate, "Nächstes MHD|Nächste Fälligkeit|Verwendbar bis"},
    {Kind::field, kDate, "DLC|DDM|DLUO|Date limite de consommation|Date de péremption|Péremption"},  // fr
    {Kind::field, kDate, "Date d'expiration|Date expiration|À consommer avant|À consommer jusqu'au"},
    {Kind::field, kDate, "À consommer de préférence avant|Date de durabilité minimale|Date limite"},
    {Kind::field, kDate, "Date DLC|Date DDM|Date DLUO|DLC/DDM|DLC/DLUO"},
    {Kind::field, kDate, "Fecha de caducidad|Caducidad|Fecha caducidad|Consumo preferente|Fecha de vencimiento"},  // es
    {Kind::field, kDate, "Vencimiento|Fecha vencimiento|Fecha de consumo preferente|F. caducidad|Fecha cad.|Fecha venc."},
    {Kind::field, kDate, "Data di scadenza|Scadenza|Data scadenza|TMC|Da consumarsi entro|Da consumare entro"},  // it
    {Kind::field, kDate, "Da consumarsi preferibilmente entro|Data scad."},
    {Kind::field, kDate, "THT|TGT|THT-datum|TGT-datum|Houdbaar tot|Houdbaarheidsdatum|Ten minste houdbaar tot"},  // nl
    {Kind::field, kDate, "Te gebruiken tot|Vervaldatum|Uiterste verkoopdatum|Tenminste houdbaar tot|Houdbaarheid"},
    {Kind::field, kDate, "Data de validade|Validade|Data validade|Prazo de validade|Data de vencimento"},  // pt
    {Kind::field, kDate, "Vencimento|Consumir até|Consumir de preferência antes de|Dt. validade|Dt. vencimento"},
    {Kind::field, kDate, "Data ważności|Termin ważności|Data przydatności|Termin przydatności"},  // pl
    {Kind::field, kDate, "Termin ważn.|Data ważn.|Termin przydatności do spożycia|Należy spożyć do|Najlepiej spożyć przed|Ważność"},

    // Quantity on the shelf
    {Kind::field, kQuantity, "quantity|qty|quantity on hand|qty on hand|on hand|on hand qty|on hand quantity"},
    {Kind::field, kQuantity, "stock|stock quantity|stock qty|stock level|stock on hand|soh|in stock qty"},
    {Kind::field, kQuantity, "quantity in stock|qty in stock|current stock|current quantity|current quantity *"},
    {Kind::field, kQuantity, "inventory|inventory quantity|inventory qty|physical qoh|qoh|physical count"},
    {Kind::field, kQuantity, "physical quantity|count|counted|amount|available quantity|available qty"},
    {Kind::field, kQuantity, "units in stock|number of units|pieces|pcs|balance|total stock|product qty"},
    {Kind::field, kQuantity, "qty available|free qty|balance qty|physical stock|actual stock|unrestricted|unrestricted stock"},
    {Kind::field, kQuantity, "Variant Inventory Qty|Variant Inventory Quantity|On hand (current)|On hand (new)"},  // Shopify
    {Kind::field, kQuantity, "labst|clabs"},  // SAP
    {Kind::maybe_quantity, kQuantity, "in stock|units|Vorrätig|En stock|Op voorraad|Em estoque|Em stock|Na stanie"},
    {Kind::field, kQuantity, "Menge|Bestand|Lagerbestand|Anzahl|Stück|Stückzahl|Lagermenge|Bestandsmenge"},  // de
    {Kind::field, kQuantity, "Ist-Bestand|Regalbestand|Auf Lager|Verfügbarer Bestand|Gesamtbestand|Bestand gesamt"},
    {Kind::field, kQuantity, "Quantité|Qté|Quantité en stock|Stock disponible|Nombre d'unités|Qté en stock"},  // fr
    {Kind::field, kQuantity, "Stock actuel|Stock réel|Stock physique|Quantité réelle"},
    {Kind::field, kQuantity, "Cantidad|Cant.|Existencias|Existencia|Stock actual|Unidades|Cantidad en stock"},  // es
    {Kind::field, kQuantity, "Inventario|Stock real|Stock físico"},
    {Kind::field, kQuantity, "Quantità|Q.tà|Qtà|Giacenza|Quantità in magazzino|Giacenza attuale|Esistenza|Pezzi"},  // it
    {Kind::field, kQuantity, "Aantal|Hoeveelheid|Voorraad|Voorraadaantal|Stuks|Vrije voorraad|Werkelijke voorraad"},  // nl
    {Kind::field, kQuantity, "Quantidade|Qtd|Qtde|Estoque|Stock atual|Quantidade em estoque|Quantidade em stock"},  // pt
    {Kind::field, kQuantity, "Saldo"},
    {Kind::field, kQuantity, "Ilość|Stan|Stan magazynowy|Liczba sztuk|Sztuk|Ilość sztuk|Zapas|Stan aktualny"},  // pl

    // Fields of this program
    {Kind::field, kDateKind, "date kind"},
    {Kind::field, kKind, "kind"},
    {Kind::field, kObservedAt, "observed at"},

    // Known, and never part of an import
    {Kind::known_unused, kName, "id|sku|variant sku|internal id|internal reference|supplier sku|item number|item no"},
    {Kind::known_unused, kName, "item id|article number|article no|product number|product no|product id|part number"},
    {Kind::known_unused, kName, "ipn|mpn|plu|token|handle|reference|source|url|link|permalink|image|images|image src"},
    {Kind::known_unused, kName, "image url|notes|note|comment|comments|weight|price|regular price|sale price"},
    {Kind::known_unused, kName, "list price|cost|unit price|variant price|variant compare at price|tax|tax class"},
    {Kind::known_unused, kName, "tax status|currency|unit|uom|unit of measure|type|published|status|visibility|tags"},
    {Kind::known_unused, kName, "lot|lot number|lot no|batch|batch number|batch no|batch code|serial|serial number"},
    {Kind::known_unused, kName, "serial numbers|bin|bin location|shelf|aisle|version|available|expired|outcome|actor"},
    {Kind::known_unused, kName, "reason|delta|voids|voided by|event|reading|restricted|warehouse bin"},
    {Kind::known_unused, kName, "created|created at|created on|date created|updated|updated at|updated on"},
    {Kind::known_unused, kName, "date updated|modified|modified at|modified date|last modified|last modified t"},
    {Kind::known_unused, kName, "last updated|last change date|checked at|counted at|received at|received date"},
    {Kind::known_unused, kName, "receipt date|read at|purchase date|purchased date|purchased|production date"},
    {Kind::known_unused, kName, "manufacturing date|manufacture date|packed on|delivery date|available date"},
    {Kind::known_unused, kName, "discontinued date|discontinue date|start date|stocktake date|last stocktake|row created timestamp"},
    {Kind::known_unused, kName, "open date|opened date|sold individually|backorders allowed"},
    {Kind::known_unused, kName, "low stock amount|low stock threshold|minimum stock|min stock|maximum stock"},
    {Kind::known_unused, kName, "reorder point|reorder quantity|stock alert enabled|stock alert count|stock value"},
    {Kind::known_unused, kName, "amount opened|product description html|body html|body (html)|seo title"},
    {Kind::known_unused, kName, "seo description|variant inventory tracker|variant inventory policy"},
    {Kind::known_unused, kName, "variant fulfillment service|variant title|variation name|option1 name|option2 name"},
    {Kind::known_unused, kName, "option3 name|attribute 1 name|attribute 2 name|attribute 3 name|download 1 name"},
    {Kind::known_unused, kName, "subbrand name|shipping class|unit value|product group id|location group|stock status"},
    {Kind::known_unused, kName, "manage stock"},
    {Kind::known_unused, kName, "track stock|track inventory|inventory tracker|low stock|stock uom|stock id|unit cost"},
    {Kind::known_unused, kName, "continue selling when out of stock|is in stock|out of stock qty|min cart qty"},
    {Kind::known_unused, kName, "max cart qty|forecasted quantity|reserved quantity|reserved|allocated|committed"},
    {Kind::known_unused, kName, "incoming|unavailable|opening qty|in qty|out qty|opening stock|reorder level"},
    {Kind::known_unused, kName, "balance value|has expiry date|has batch no|shelf life in days"},
    {Kind::known_unused, kName, "lot and expiry control|default best before days|shopping location id"},
    {Kind::known_unused, kName, "date sale price starts|date sale price ends|download limit|download expiry days"},
    {Kind::known_unused, kName, "stock alert enabled *|stock alert count *|reorder point *"},
    {Kind::known_unused, kName, "Datum, an dem Angebotspreis beginnt|Datum, an dem Angebotspreis endet"},
    {Kind::known_unused, kName, "Ablauftage des Downloads|Geringe Lagermenge|Meldebestand|Höchstbestand"},
    {Kind::known_unused, kName, "Date de début de promo|Date de fin de promo|Jours d’expiration du téléchargement"},
    {Kind::known_unused, kName, "Montant de stock faible|Quantité minimale|Date de disponibilité|Stock minimum"},
    {Kind::known_unused, kName, "Stock d'alerte|Stock de sécurité|Día en que empieza el precio rebajado"},
    {Kind::known_unused, kName, "Día en que termina el precio rebajado|Días de caducidad de la descarga"},
    {Kind::known_unused, kName, "Cantidad de bajo inventario|Stock mínimo|Stock máximo|Stock de seguridad"},
    {Kind::known_unused, kName, "Data di inizio del prezzo in saldo|Data di fine del prezzo in saldo"},
    {Kind::known_unused, kName, "Giorni di scadenza del download|Quantità di scorte basse|Scorta minima"},
    {Kind::known_unused, kName, "Startdatum actieprijs|Einddatum actieprijs|Dagen vervaltijd download|Lage voorraad"},
    {Kind::known_unused, kName, "Minimum voorraad|Data de preço promocional começa em"},
    {Kind::known_unused, kName, "Data de preço promocional termina em|Dias para expirar o download"},
    {Kind::known_unused, kName, "Quantidade baixa de estoque|Estoque mínimo|Estoque máximo"},
    {Kind::known_unused, kName, "Data rozpoczęcia promocji|Data zakończenia promocji|Niski stan magazynowy"},
    {Kind::known_unused, kName, "Liczba dni do wygaśnięcia pobrania|Stan minimalny"},
    {Kind::known_unused, kName, "Artikelnummer|Artikel-Nr.|Art.-Nr.|Artikelnr|Lieferant|Lieferantennummer|Preis"},
    {Kind::known_unused, kName, "Gewicht|Charge|Chargennummer|Los|Lagerplatz|Einheit|MwSt|Bemerkung|Herstelldatum"},
    {Kind::known_unused, kName, "Produktionsdatum|Lieferdatum|Eingangsdatum|Mindestbestand"},
    {Kind::known_unused, kName, "Référence|Réf.|Prix|Poids|Lot de fabrication|N° de lot|Numéro de lot|Fournisseur"},
    {Kind::known_unused, kName, "Unité|Référence article|Date de fabrication|Date de réception|Referencia|Precio|Peso"},
    {Kind::known_unused, kName, "Lote|Proveedor|Unidad|Riferimento|Prezzo|Lotto|Fornitore|Unità|Codice articolo|Prijs"},
    {Kind::known_unused, kName, "Gewicht|Partij|Partijnummer|Leverancier|Eenheid|Artikelnummer|Referência|Preço"},
    {Kind::known_unused, kName, "Fornecedor|Unidade|Cena|Waga|Partia|Numer partii|Dostawca|Jednostka|Indeks|Symbol"},
};
// clang-format on

struct Folded {
  std::string_view from;
  std::string_view to;
};

// The letters of the languages above; combining accents are dropped.
constexpr Folded kFolded[] = {
    {"à", "a"},  {"á", "a"}, {"â", "a"},  {"ã", "a"}, {"ä", "a"},  {"å", "a"}, {"ą", "a"},
    {"æ", "ae"}, {"ç", "c"}, {"ć", "c"},  {"è", "e"}, {"é", "e"},  {"ê", "e"}, {"ë", "e"},
    {"ę", "e"},  {"ì", "i"}, {"í", "i"},  {"î", "i"}, {"ï", "i"},  {"ł", "l"}, {"ñ", "n"},
    {"ń", "n"},  {"ò", "o"}, {"ó", "o"},  {"ô", "o"}, {"õ", "o"},  {"ö", "o"}, {"ø", "o"},
    {"œ", "oe"}, {"ś", "s"}, {"ß", "ss"}, {"ù", "u"}, {"ú", "u"},  {"û", "u"}, {"ü", "u"},
    {"ý", "y"},  {"ÿ", "y"}, {"ź", "z"},  {"ż", "z"}, {"À", "a"},  {"Á", "a"}, {"Â", "a"},
    {"Ã", "a"},  {"Ä", "a"}, {"Å", "a"},  {"Ą", "a"}, {"Æ", "ae"}, {"Ç", "c"}, {"Ć", "c"},
    {"È", "e"},  {"É", "e"}, {"Ê", "e"},  {"Ë", "e"}, {"Ę", "e"},  {"Ì", "i"}, {"Í", "i"},
    {"Î", "i"},  {"Ï", "i"}, {"Ł", "l"},  {"Ñ", "n"}, {"Ń", "n"},  {"Ò", "o"}, {"Ó", "o"},
    {"Ô", "o"},  {"Õ", "o"}, {"Ö", "o"},  {"Ø", "o"}, {"Œ", "oe"}, {"Ś", "s"}, {"ẞ", "ss"},
    {"Ù", "u"},  {"Ú", "u"}, {"Û", "u"},  {"Ü", "u"}, {"Ý", "y"},  {"Ź", "z"}, {"Ż", "z"},
    {"º", "o"},  {"°", "o"},
};

// Punctuation outside ASCII that programs write into headers.
constexpr std::string_view kPunctuation[] = {"’", "‘", "“", "”", "„", "«", "»",
                                             "¿", "¡", "–", "—", "·", "•", "…"};

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

/// Returns: the words of a header in lower case without accents. A capital after a small letter
/// begins a word, so `expiryDate` has two.
std::vector<std::string> words_of(std::string_view header) {
  std::vector<std::string> words;
  bool in_word = false;
  bool after_lower = false;
  const auto append = [&](std::string_view text) {
    if (!in_word) words.emplace_back();
    in_word = true;
    words.back() += text;
  };
  while (!header.empty()) {
    const char c = header.front();
    auto bytes = header.substr(0, std::max<std::size_t>(utf8_length(header), 1));
    header.remove_prefix(bytes.size());
    if (is_lower(c) || is_digit(c)) {
      append(bytes);
      after_lower = is_lower(c);
    } else if (is_upper(c)) {
      if (after_lower) in_word = false;
      const char lower = static_cast<char>(c - 'A' + 'a');
      append({&lower, 1});
      after_lower = false;
    } else if (static_cast<unsigned char>(c) < 0x80 || collapse_white_space(bytes).empty() ||
               std::ranges::find(kPunctuation, bytes) != std::end(kPunctuation)) {
      in_word = false;
      after_lower = false;
    } else if (bytes.size() == 2 && bytes >= "\xCC\x80" && bytes <= "\xCD\xAF") {
      continue;  // a combining accent (U+0300 to U+036F)
    } else {
      const auto* const folded = std::ranges::find(kFolded, bytes, &Folded::from);
      append(folded == std::end(kFolded) ? bytes : folded->to);
      after_lower = true;
    }
  }
  return words;
}

struct Table {
  std::map<std::string, HeaderMeaning, std::less<>> names;
  std::map<std::string, HeaderMeaning, std::less<>> beginnings;  // of names that end in `*`
};

const Table& table() {
  static const Table built = [] {
    Table table;
    std::size_t preference = 0;
    for (const auto& line : kLines) {
      for (auto rest = line.names; !rest.empty();) {
        const auto end = std::min(rest.find('|'), rest.size());
        const auto name = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        auto& names = name.ends_with('*') ? table.beginnings : table.names;
        names.try_emplace(plain_header(name), HeaderMeaning{line.kind, line.field, preference++});
      }
    }
    return table;
  }();
  return built;
}

/// Returns: the header without a note in brackets at its end, such as "(pcs)".
std::string_view without_note(std::string_view header) {
  const auto trimmed = trim(header);
  if (!trimmed.ends_with(')') && !trimmed.ends_with(']')) return header;
  const auto begin = trimmed.find_last_of("([");
  return begin == std::string_view::npos || begin == 0 ? header : trimmed.substr(0, begin);
}

std::optional<HeaderMeaning> find(std::string_view header) {
  const auto words = words_of(header);
  if (const auto exact = table().names.find(joined(words, "")); exact != table().names.end()) {
    return exact->second;
  }
  std::string front;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    front += words[i];
    const auto found = table().beginnings.find(front);
    if (found == table().beginnings.end()) continue;
    // After `product name` only a language; after `current quantity` the name of a place.
    const bool place =
        found->second.field == ImportField::quantity || found->second.kind == Kind::known_unused;
    if (place || (i + 2 == words.size() && words.back().size() <= 3)) return found->second;
  }
  return std::nullopt;
}

struct Hint {
  ImportField field;
  std::string_view beginnings;  // of words, with `|` between them; `=` before a whole word
};

constexpr Hint kHints[] = {
    {ImportField::gtin,
     "gtin|=ean|ean1|ean8|=upc|barcode|strichcode|streepjescode|gencod|kreskowy|barras|barres|="
     "isbn"},
    {ImportField::expiry_date,
     "expir|=exp|=mhd|mindesthaltbar|haltbar|verfall|ablauf|verbrauch|=dlc|=ddm|=dluo|peremption|"
     "caduc|vencim|scaden|houdbaar|=tht|=tgt|verval|validade|waznosci|przydatnosci|=bbd|=bbe|="
     "before|=sled|=date|datum|=data|fecha"},
    {ImportField::quantity,
     "qty|quant|menge|bestand|lagerbestand|=stock|anzahl|stuck|cantidad|existenc|=qte|giacenz|"
     "aantal|voorraad|hoeveelheid|estoque|=qtd|ilosc|=units|=count|=counted|=qoh|=pcs|onhand|="
     "pieces|=inventory"},
    {ImportField::name,
     "name|bezeichnung|libelle|designation|=nom|nombre|=nome|=naam|nazwa|descri|beschreibung|"
     "omschrijving|=title|=titel|=titre|=opis|denomina|productname|artikelname"},
};

}  // namespace

std::string plain_header(std::string_view header) { return joined(words_of(header), ""); }

std::optional<HeaderMeaning> meaning_of(std::string_view header) {
  if (auto meaning = find(header)) return meaning;
  const auto bare = without_note(header);
  return bare.size() == header.size() ? std::nullopt : find(bare);
}

std::optional<ImportField> field_suggested_by(std::string_view header) {
  const auto words = words_of(header);
  for (const auto& hint : kHints) {
    for (auto rest = hint.beginnings; !rest.empty();) {
      const auto end = std::min(rest.find('|'), rest.size());
      const auto beginning = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      const bool found = std::ranges::any_of(words, [&](const std::string& word) {
        return beginning.starts_with('=') ? word == beginning.substr(1)
                                          : word.starts_with(beginning);
      });
      if (found) return hint.field;
    }
  }
  return std::nullopt;
}

}  // namespace codasync::storage

"""What the people do: buy, subscribe, deal, browse, ask. Pure draws, whatever the day that files end with."""
